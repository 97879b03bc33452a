//! Finding payments by what an application wrote on them.

use stripe_core::payment_intent::SearchPaymentIntent;

use crate::support::{intent, metadata, payment, stripe};

#[tokio::test]
async fn a_payment_is_found_by_its_order() {
    let (_server, client) = stripe().await;
    let wanted = payment("pm_card_visa").metadata(metadata("ord_1")).send(&client).await.unwrap();
    payment("pm_card_visa").metadata(metadata("ord_10")).send(&client).await.unwrap();
    intent().metadata(metadata("ord_2")).send(&client).await.unwrap();

    let ids = async |query: &str| {
        let found = SearchPaymentIntent::new(query).send(&client).await.unwrap();
        found.data.into_iter().map(|intent| intent.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("metadata['order_id']:'ord_1'").await, std::slice::from_ref(&wanted.id));
    assert_eq!(ids("status:'succeeded' AND metadata[\"order_id\"]:\"ord_1\"").await, [wanted.id]);
    assert_eq!(ids("status:'succeeded'").await.len(), 2);
    assert_eq!(ids("-status:'succeeded'").await.len(), 1);
    assert!(ids("metadata['order_id']:'ord_3'").await.is_empty());
}

#[tokio::test]
async fn results_come_in_pages() {
    let (_server, client) = stripe().await;
    for _ in 0..5 {
        intent().metadata(metadata("ord_1")).send(&client).await.unwrap();
    }
    let mut found = 0;
    let mut page = None;
    loop {
        let mut search = SearchPaymentIntent::new("metadata['order_id']:'ord_1'").limit(2);
        if let Some(page) = page {
            search = search.page(page);
        }
        let result = search.send(&client).await.unwrap();
        found += result.data.len();
        page = result.next_page;
        assert_eq!(page.is_some(), result.has_more);
        if page.is_none() {
            break;
        }
    }
    assert_eq!(found, 5);
}

#[tokio::test]
async fn an_unreadable_query_is_refused() {
    let (_server, client) = stripe().await;
    let refused = SearchPaymentIntent::new("order is ord_1").send(&client).await.unwrap_err();
    assert_eq!((refused.status(), refused.api_error().unwrap().param.as_deref()), (Some(400), Some("query")));
}
