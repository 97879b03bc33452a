//! Profiles.

use kassa_domain::{EmailAddress, PersonName, UserId};
use kassa_store::Users;
use uuid::Uuid;

use crate::support::Shop;

fn somebody() -> (UserId, EmailAddress, Option<PersonName>) {
    let id = UserId::of_subject(&Uuid::new_v4().to_string()).unwrap();
    (id, "ada@example.com".parse().unwrap(), Some(PersonName::try_from("Ada".to_owned()).unwrap()))
}

#[tokio::test]
async fn a_profile_is_made_once() {
    let shop = Shop::open().await;
    let users = Users::new(shop.dynamodb.clone());
    let (id, email, name) = somebody();
    assert_eq!(users.get(&id).await.unwrap(), None);

    let made = users.create(id.clone(), email, name.clone()).await.unwrap();
    let again = users.create(id.clone(), "other@example.com".parse().unwrap(), None).await.unwrap();

    assert_eq!((made.name.clone(), made.welcomed), (name, false));
    assert_eq!(again, made);
    assert_eq!(users.get(&id).await.unwrap(), Some(made));
}

#[tokio::test]
async fn a_name_is_changed_and_taken_away() {
    let shop = Shop::open().await;
    let users = Users::new(shop.dynamodb.clone());
    let (id, email, name) = somebody();
    let made = users.create(id.clone(), email, name).await.unwrap();
    let countess = PersonName::try_from("Countess of Lovelace".to_owned()).unwrap();

    let renamed = users.rename(&id, Some(&countess)).await.unwrap().unwrap();
    assert_eq!((renamed.name, renamed.email), (Some(countess), made.email));
    assert_eq!(users.rename(&id, None).await.unwrap().unwrap().name, None);
}

#[tokio::test]
async fn nothing_is_changed_for_somebody_without_a_profile() {
    let shop = Shop::open().await;
    let users = Users::new(shop.dynamodb.clone());
    let (id, ..) = somebody();
    assert_eq!(users.rename(&id, None).await.unwrap(), None);
    users.welcomed(&id).await.unwrap();
    assert_eq!(users.get(&id).await.unwrap(), None);
}

#[tokio::test]
async fn being_welcomed_is_remembered() {
    let shop = Shop::open().await;
    let users = Users::new(shop.dynamodb.clone());
    let (id, email, name) = somebody();
    users.create(id.clone(), email, name).await.unwrap();
    users.welcomed(&id).await.unwrap();
    assert!(users.get(&id).await.unwrap().unwrap().welcomed);
}

#[tokio::test]
async fn everybody_is_listed_once() {
    let shop = Shop::open().await;
    let users = Users::new(shop.dynamodb.clone());
    let mut all = Vec::new();
    for _ in 0..5 {
        let (id, email, name) = somebody();
        users.create(id.clone(), email, name).await.unwrap();
        all.push(id);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = users.list(2, after.as_ref()).await.unwrap();
        assert!(page.users.len() <= 2);
        seen.extend(page.users.into_iter().map(|user| user.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    all.sort();
    seen.sort();
    assert_eq!(seen, all);
}
