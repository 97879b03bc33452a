//! What operators and developers ask the API about itself.

use kassa_devstack::progress::Silent;
use kassa_devstack::stack::build;
use kassa_tests::on_shared_shop;
use tokio::process::Command;

#[test]
fn health_and_readiness_answer() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        for path in ["/health", "/ready"] {
            let answer = shop.get(path).await?;
            assert_eq!(answer.status, 200, "{path}: {answer:#?}");
            assert_eq!(answer.body["status"], "up", "{path}: {answer:#?}");
        }
        Ok(())
    })
}

#[test]
fn openapi_document_describes_every_area_and_the_docs_page_shows_it() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let answer = shop.get("/api/openapi.json").await?;
        assert_eq!(answer.status, 200);
        assert!(answer.body["openapi"].as_str().is_some_and(|version| version.starts_with("3.")), "{:#?}", answer.body);
        for path in [
            "/api/checkout",
            "/api/products",
            "/api/products/{id}",
            "/api/products/{id}/stock",
            "/api/orders/{id}",
            "/api/orders/{id}/timeline",
        ] {
            assert!(answer.body["paths"][path].is_object(), "{path} is not described");
        }

        let docs = shop.get("/docs").await?;
        assert_eq!(docs.status, 200);
        assert!(docs.body.as_str().is_some_and(|page| page.contains("<html")), "{docs:#?}");
        Ok(())
    })
}

#[test]
fn metrics_of_api_and_worker_are_served() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let api = shop.get("/metrics").await?;
        assert_eq!(api.status, 200);
        let worker = shop.http.get(shop.stack.worker_metrics_url()).send().await?.error_for_status()?.text().await?;
        assert!(worker.contains("temporal_"), "{worker}");
        Ok(())
    })
}

#[test]
fn unknown_addresses_and_methods_are_problems() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        shop.get("/api/nothing").await?.assert_problem(404, "not_found");
        shop.get("/api/checkout").await?.assert_problem(405, "method_not_allowed");
        shop.get("/api/orders/ord_00000000000000000000000000000000").await?.assert_problem(404, "order_not_found");
        let timeline = shop.get("/api/orders/ord_00000000000000000000000000000000/timeline").await?;
        timeline.assert_problem(404, "order_not_found");
        for id in ["1", "prod_1", "ord_", "ord_ABC", "ord_'%20OR%201=1"] {
            shop.get(&format!("/api/orders/{id}")).await?.assert_problem(400, "invalid_parameter");
        }
        Ok(())
    })
}

#[test]
fn migrating_again_changes_nothing_and_unknown_arguments_are_refused() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let worker = &build(&Silent).await?.worker;
        let environment = shop.stack.environment().iter().cloned();
        let migrated = Command::new(worker).arg("migrate").env_clear().envs(environment).output().await?;
        assert!(migrated.status.success(), "{migrated:?}");
        assert_eq!(String::from_utf8_lossy(&migrated.stdout), "the database is up to date\n");

        let refused = Command::new(worker).arg("migrat").env_clear().output().await?;
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("kassa-worker migrate"), "{refused:?}");
        Ok(())
    })
}
