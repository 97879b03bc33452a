//! Customers.

use stripe_core::customer::{CreateCustomer, RetrieveCustomer, RetrieveCustomerReturned, UpdateCustomer};
use stripe_core::payment_intent::ListPaymentIntent;

use crate::support::{payment, stripe};

#[tokio::test]
async fn a_customer_is_made_and_found_again() {
    let (_server, client) = stripe().await;
    let created = CreateCustomer::new().email("ada@example.com").name("Ada").send(&client).await.unwrap();
    assert!(created.id.as_str().starts_with("cus_"));
    UpdateCustomer::new(created.id.clone()).name("Ada L.").send(&client).await.unwrap();
    let RetrieveCustomerReturned::Customer(found) = RetrieveCustomer::new(created.id).send(&client).await.unwrap()
    else {
        panic!("the customer is not deleted");
    };
    assert_eq!((found.email.as_deref(), found.name.as_deref()), (Some("ada@example.com"), Some("Ada L.")));
    let refused = CreateCustomer::new().email("nonsense").send(&client).await.unwrap_err();
    assert_eq!(refused.api_error().unwrap().code.as_deref(), Some("email_invalid"));
    assert!(RetrieveCustomer::new("cus_none").send(&client).await.unwrap_err().is_missing());
}

#[tokio::test]
async fn payments_belong_to_customers() {
    let (_server, client) = stripe().await;
    let customer = CreateCustomer::new().send(&client).await.unwrap().id;
    let paid = payment("pm_card_visa")
        .customer(customer.as_str())
        .expand(["customer".to_owned(), "payment_method".to_owned()])
        .send(&client)
        .await
        .unwrap();
    payment("pm_card_visa").send(&client).await.unwrap();
    assert_eq!(paid.customer.unwrap().into_object().unwrap().id, customer);
    assert_eq!(paid.payment_method.unwrap().into_object().unwrap().card.unwrap().brand, "visa");
    let listed = ListPaymentIntent::new().customer(customer.as_str()).send(&client).await.unwrap();
    assert_eq!(listed.data.len(), 1);
}
