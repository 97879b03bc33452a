//! What customers have chosen.

use kassa_domain::UserId;
use kassa_store::UserSettings;
use kassa_store::settings::NotificationSettings;

use crate::support::Shop;

#[tokio::test]
async fn a_choice_replaces_the_one_before_and_is_nobody_else_s() {
    let shop = Shop::open().await;
    let settings = UserSettings::new(shop.dynamodb.clone());
    let (ada, bob) = (UserId::of_subject("ada").unwrap(), UserId::of_subject("bob").unwrap());
    let first = NotificationSettings {
        mail_shipped: false,
        mail_refunded: true,
        phone_number: Some("+4915112345678".parse().unwrap()),
    };
    let second = NotificationSettings { mail_shipped: true, mail_refunded: false, phone_number: None };

    for choice in [first, second] {
        settings.put(&ada, &choice).await.unwrap();
        assert_eq!(settings.get(&ada).await.unwrap(), choice);
    }

    assert_eq!(settings.get(&bob).await.unwrap(), NotificationSettings::default());
}
