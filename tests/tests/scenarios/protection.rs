//! What the API keeps from clients that are slow, from pages of other sites, and from caches.

use std::time::Duration;

use kassa_tests::{Answer, Exclusive, eventually, on_exclusive_shop, on_shared_shop};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn connect(shop: &Exclusive) -> anyhow::Result<TcpStream> {
    let address = shop.stack.api_url();
    Ok(TcpStream::connect(address.trim_start_matches("http://")).await?)
}

/// Everything that the server sends until it closes the connection.
async fn rest(mut stream: TcpStream) -> anyhow::Result<String> {
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await??;
    Ok(text)
}

#[test]
fn connection_that_sends_no_whole_head_in_time_is_closed() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_HEAD_TIMEOUT_MS", "300")]).await?;
        for head in ["", "GET", "GET /health HTTP/1.1\r\nHost: kassa\r\nX-Slow: "] {
            let mut stream = connect(shop).await?;
            stream.write_all(head.as_bytes()).await?;

            let sent = rest(stream).await?;

            assert!(!sent.contains("200 OK"), "{head:?}: {sent}");
        }
        assert_eq!(shop.get("/health").await?.status, 200);
        Ok(())
    })
}

#[test]
fn client_that_trickles_its_head_does_not_hold_up_others() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_HEAD_TIMEOUT_MS", "500")]).await?;
        let mut slow = connect(shop).await?;
        let trickle = async {
            // One byte at a time, until the server has had enough.
            while slow.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let others = async {
            for _ in 0..20 {
                assert_eq!(shop.get("/health").await?.status, 200);
            }
            anyhow::Ok(())
        };
        let (trickled, others) = tokio::join!(timeout(PATIENCE, trickle), others);
        assert!(trickled.is_ok(), "the connection was never closed");
        others
    })
}

#[test]
fn request_in_flight_is_answered_before_the_api_stops() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let product = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&product, 1);
        let order = checkout.order_id();
        let answer = tokio::spawn(Answer::of(checkout.request()));
        eventually("the checkout is under way", async || {
            anyhow::ensure!(shop.describe(&order).await?.is_some(), "there is no workflow yet");
            Ok(())
        })
        .await?;

        shop.restart_api(&[]).await?;

        answer.await??.assert_confirmed();
        Ok(())
    })
}

#[test]
fn pages_of_listed_sites_may_call_the_api_and_others_may_not() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let preflight = |shop: &Exclusive, origin: &str| {
            let request = shop.http.request(Method::OPTIONS, shop.url("/api/checkout"));
            let request = request.header("origin", origin).header("access-control-request-method", "POST");
            request.header("access-control-request-headers", "content-type,idempotency-key,authorization")
        };
        let listed = "https://shop.example";

        let unasked = Answer::of(preflight(shop, listed)).await?;
        assert_eq!(unasked.header("access-control-allow-origin"), None, "{unasked:#?}");

        shop.restart_api(&[("KASSA_CORS_ORIGINS", "https://shop.example, https://app.shop.example")]).await?;
        let allowed = Answer::of(preflight(shop, listed)).await?;
        assert_eq!(allowed.status, 200, "{allowed:#?}");
        assert_eq!(allowed.header("access-control-allow-origin"), Some(listed));
        let headers = allowed.header("access-control-allow-headers").unwrap_or_default();
        assert!(headers.contains("idempotency-key") && headers.contains("authorization"), "{headers}");
        let read = Answer::of(shop.http.get(shop.url("/api/products")).header("origin", listed)).await?;
        assert_eq!(read.header("access-control-allow-origin"), Some(listed));
        let exposed = read.header("access-control-expose-headers").unwrap_or_default();
        for name in ["etag", "location", "idempotent-replayed", "retry-after", "kassa-cart", "x-request-id"] {
            assert!(exposed.contains(name), "{name} is not in {exposed}");
        }
        for origin in ["https://evil.example", "http://shop.example", "https://shop.example.evil.example", "null"] {
            let refused = Answer::of(preflight(shop, origin)).await?;
            assert_ne!(refused.header("access-control-allow-origin"), Some(origin), "{refused:#?}");
            assert_ne!(refused.header("access-control-allow-origin"), Some("*"), "{refused:#?}");
        }
        Ok(())
    })
}

#[test]
fn every_answer_tells_browsers_to_be_careful() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        for path in ["/api/products", "/api/orders/ord_nothing", "/api/nothing", "/docs/", "/health"] {
            let answer = shop.get(path).await?;
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
            let policy = answer.header("content-security-policy").unwrap_or_default();
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
            assert!(answer.header("cache-control").is_some(), "{path}");
            assert_eq!(answer.header("strict-transport-security"), None, "{path}");
        }
        let order = shop.get("/api/orders/ord_nothing").await?;
        assert_eq!(order.header("cache-control"), Some("no-store"));
        Ok(())
    })
}

#[test]
fn docs_page_needs_nothing_that_its_policy_forbids() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let page = shop.get("/docs/").await?;
        let html = page.body.as_str().unwrap_or_default();
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("script-src 'self'") && policy.contains("connect-src 'self'"), "{policy}");
        let scripts: Vec<_> = html.split("<script").skip(1).filter_map(|rest| rest.split("</script>").next()).collect();
        assert!(!scripts.is_empty(), "{html}");
        for script in scripts {
            let (tag, inline) = script.split_once('>').unwrap_or_default();
            assert!(
                tag.contains("src=\"./") && inline.trim().is_empty(),
                "neither inline nor from elsewhere: {script}"
            );
        }
        assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
        Ok(())
    })
}

#[test]
fn transport_security_is_promised_when_asked_for() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_HSTS_SECONDS", "31536000")]).await?;
        let answer = shop.get("/health").await?;
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000; includeSubDomains"));
        Ok(())
    })
}
