//! Records of messages.

use kassa_domain::{Caller, MessageId, OrderId, UserId};
use kassa_store::Notifications;
use kassa_store::notifications::{Begun, Channel, Ended, Filter, NewNotification, Status};

use crate::support::{Meddling, Shop, unique};

fn order() -> OrderId {
    format!("ord_{}", unique()).parse().unwrap()
}

fn message(kind: &str, order: &OrderId, customer: &Caller) -> NewNotification {
    NewNotification {
        message_id: MessageId::about_order(order, kind),
        channel: Channel::Email,
        template: kind.to_owned(),
        customer: customer.clone(),
        order_id: Some(order.clone()),
    }
}

fn guest() -> Caller {
    Caller::guest(&"a@example.com".parse().unwrap())
}

fn sent() -> Ended {
    Ended::Sent { provider_id: "ses-1".to_owned() }
}

#[tokio::test]
async fn a_message_that_was_sent_is_not_to_be_sent_again() {
    let shop = Shop::open().await;
    let records = Notifications::new(shop.dynamodb.clone());
    let order = order();
    let new = message("confirmed", &order, &guest());

    assert_eq!(records.begin(&new).await.unwrap(), Begun::ToBeSent);
    // Nobody knows what became of the first attempt.
    assert_eq!(records.begin(&new).await.unwrap(), Begun::ToBeSent);
    records.end(&new.message_id, new.channel, &sent()).await.unwrap();

    assert_eq!(records.begin(&new).await.unwrap(), Begun::SentBefore);
    let other_way = NewNotification { channel: Channel::Sms, ..new };
    assert_eq!(records.begin(&other_way).await.unwrap(), Begun::ToBeSent);
}

#[tokio::test]
async fn a_refused_message_can_be_tried_again_and_a_sent_one_stays_sent() {
    let shop = Shop::open().await;
    let records = Notifications::new(shop.dynamodb.clone());
    let order = order();
    let new = message("confirmed", &order, &guest());
    let status = async || records.list(&Filter::Order(order.clone()), 1, None).await.unwrap().notifications.remove(0);

    records.begin(&new).await.unwrap();
    records.end(&new.message_id, new.channel, &Ended::Refused).await.unwrap();
    assert_eq!(status().await.status, Status::Refused);
    assert_eq!(records.begin(&new).await.unwrap(), Begun::ToBeSent);

    records.end(&new.message_id, new.channel, &sent()).await.unwrap();
    // A late attempt that was refused changes nothing any more.
    records.end(&new.message_id, new.channel, &Ended::Refused).await.unwrap();
    let found = status().await;
    assert_eq!((found.status, found.provider_id.as_deref()), (Status::Sent, Some("ses-1")));
}

#[tokio::test]
async fn a_record_whose_answer_is_lost_is_still_written_once() {
    let shop = Shop::open().await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    let records = Notifications::new(dynamodb);
    let new = message("confirmed", &order(), &guest());

    gateway.meddle("PutItem", 1, &Meddling::LoseAnswer);
    assert_eq!(records.begin(&new).await.unwrap(), Begun::ToBeSent);
    gateway.meddle("UpdateItem", 1, &Meddling::LoseAnswer);
    records.end(&new.message_id, new.channel, &sent()).await.unwrap();

    assert_eq!(records.begin(&new).await.unwrap(), Begun::SentBefore);
}

#[tokio::test]
async fn messages_are_listed_newest_first_by_customer_order_and_day() {
    let shop = Shop::open().await;
    let records = Notifications::new(shop.dynamodb.clone());
    let user = UserId::of_subject("ada").unwrap();
    let caller = Caller::user(&user);
    let (first, second) = (order(), order());
    for (order, kind) in [(&first, "confirmed"), (&second, "confirmed"), (&first, "shipped")] {
        records.begin(&message(kind, order, &caller)).await.unwrap();
    }
    records.begin(&message("confirmed", &order(), &guest())).await.unwrap();

    let page = records.list(&Filter::User(user.clone()), 2, None).await.unwrap();
    let orders = |page: &kassa_store::notifications::Page| -> Vec<_> {
        page.notifications.iter().map(|found| (found.order_id.clone().unwrap(), found.template.clone())).collect()
    };
    assert_eq!(orders(&page), [(first.clone(), "shipped".to_owned()), (second, "confirmed".to_owned())]);
    // A message that comes meanwhile shifts nothing.
    records.begin(&message("refunded", &first, &caller)).await.unwrap();
    let rest = records.list(&Filter::User(user), 2, page.next.as_ref()).await.unwrap();
    assert_eq!(orders(&rest), [(first.clone(), "confirmed".to_owned())]);
    assert_eq!(rest.next, None);

    let of_order = records.list(&Filter::Order(first), 100, None).await.unwrap();
    assert_eq!(of_order.notifications.len(), 3);
    let day = of_order.notifications[0].created_at.date();
    let of_day = records.list(&Filter::Day(day), 100, None).await.unwrap();
    // Around midnight some of them belong to the day before.
    let same_day = of_day.notifications.iter().filter(|found| found.created_at.date() == day).count();
    assert!(same_day >= 1 && same_day == of_day.notifications.len(), "{of_day:?}");
}
