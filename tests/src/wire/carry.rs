//! Carrying gRPC calls and answers over, unchanged.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::report::Report;
use super::tracks::{Next, Tracks};

/// A report that is held keeps its stream, and hundreds are.
const STREAMS: u32 = 100_000;

/// Serves one connection of a worker over one of its own to the server. It ends with either.
pub(super) async fn connection(stream: TcpStream, upstream: SocketAddr, tracks: Arc<Tracks>) {
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    let no_delay = stream.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let Ok((sender, to_server)) = handshake(TokioExecutor::new(), TokioIo::new(server)).await else { return };
    let service = service_fn(move |request| call(sender.clone(), Arc::clone(&tracks), request));
    let from_worker = Builder::new(TokioExecutor::new())
        .max_concurrent_streams(STREAMS)
        .serve_connection(TokioIo::new(stream), service);
    // Whoever called will notice.
    let _ = no_delay;
    tokio::select! {
        _ = to_server => {}
        _ = from_worker => {}
    }
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

async fn call(
    server: SendRequest<Full<Bytes>>,
    tracks: Arc<Tracks>,
    request: Request<Incoming>,
) -> hyper::Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let report = Report::of(parts.uri.path(), &body);
    let request = Request::from_parts(parts, Full::new(body));
    let Some(report) = report else {
        return forward(server, request).await.map(|(answer, _)| answer);
    };
    let next = tracks.before(&report);
    if next == Next::Swallow {
        return pending().await;
    }
    // A task of its own: a report that is on its way arrives even if the worker has given up waiting.
    let carried = tokio::spawn(async move {
        let answer = forward(server, request).await;
        let has_succeeded = answer.as_ref().is_ok_and(|(_, has_succeeded)| *has_succeeded);
        let is_kept = tracks.after(&report, next, has_succeeded);
        (answer, is_kept)
    });
    match carried.await {
        Ok((answer, false)) => answer.map(|(answer, _)| answer),
        // An answer that never comes.
        Ok((_, true)) | Err(_) => pending().await,
    }
}

/// The server's answer, and whether it is a success.
async fn forward(mut server: SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> hyper::Result<(Answer, bool)> {
    let (parts, body) = server.send_request(request).await?.into_parts();
    let body = body.collect().await?;
    // A refusal comes without a body, and says so in its headers.
    let trailers = body.trailers().cloned();
    let status = trailers.as_ref().unwrap_or(&parts.headers).get("grpc-status");
    let has_succeeded = status.is_some_and(|status| status == "0");
    let body = Full::new(body.to_bytes());
    let body = match trailers {
        Some(trailers) => body.with_trailers(ready(Some(Ok(trailers)))).boxed(),
        None => body.boxed(),
    };
    Ok((Response::from_parts(parts, body), has_succeeded))
}
