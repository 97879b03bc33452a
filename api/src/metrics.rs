//! Rate, errors and duration per route, for Prometheus.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus::{Encoder, HistogramOpts, HistogramVec, IntGauge, Registry, TextEncoder};

/// From a cache hit to the longest that a checkout waits for its answer, in seconds.
const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// The metrics of the API.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    in_flight: IntGauge,
}

impl Metrics {
    /// Metrics that nothing was recorded in; each instance counts for itself.
    pub fn new() -> Result<Self, prometheus::Error> {
        let requests = HistogramVec::new(
            HistogramOpts::new("kassa_http_request_duration_seconds", "Time from the request to its answer.")
                .buckets(BUCKETS.to_vec()),
            &["method", "route", "status"],
        )?;
        let in_flight = IntGauge::new("kassa_http_requests_in_flight", "Requests that wait for their answer.")?;
        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        Ok(Self { registry, requests, in_flight })
    }

    /// Counts a request as in flight until the guard is dropped, even if its client hangs up.
    pub(crate) fn started(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Records an answered request. `route` is the pattern, not the path: paths are without bounds.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: StatusCode, latency: Duration) {
        // Methods are without bounds, too.
        let method = match *method {
            Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
            | Method::OPTIONS => method.as_str(),
            _ => "other",
        };
        self.requests.with_label_values(&[method, route, status.as_str()]).observe(latency.as_secs_f64());
    }

    /// Everything recorded so far, in the text format of Prometheus.
    pub(crate) fn render(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The media type of [`Metrics::render`].
    pub(crate) const CONTENT_TYPE: &'static str = prometheus::TEXT_FORMAT;
}

/// One request in flight.
pub(crate) struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_rendered() {
        let metrics = Metrics::new().expect("valid names");
        let guard = metrics.started();
        metrics.answered(&Method::GET, "/health", StatusCode::OK, Duration::from_millis(20));
        let text = metrics.render().expect("renders");
        assert!(text.contains("kassa_http_requests_in_flight 1"), "{text}");
        let count = r#"kassa_http_request_duration_seconds_count{method="GET",route="/health",status="200"} 1"#;
        assert!(text.contains(count), "{text}");
        drop(guard);
        assert!(metrics.render().expect("renders").contains("kassa_http_requests_in_flight 0"));
    }
}
