//! Nobody reads or changes what belongs to somebody else, whichever operation is tried with its ids.

use std::collections::BTreeSet;

use anyhow::ensure;
use kassa_tests::{Answer, Shop, on_shared_shop};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::document::{Audience, Document, Operation};
use crate::people::Person;

/// Somebody who tries the ids of others.
struct Stranger {
    title: &'static str,
    credentials: HeaderMap,
}

impl Stranger {
    /// Everybody who may try: with an account, as a guest, and with what was handed out for another order.
    fn all(account: &Person, guest: &Person) -> [Self; 4] {
        let both = account.credentials.iter().chain(&guest.credentials);
        let both = both.map(|(name, value)| (name.clone(), value.clone())).collect();
        [
            Self { title: "another account", credentials: account.credentials.clone() },
            Self { title: "a guest", credentials: HeaderMap::new() },
            Self { title: "a guest with another order", credentials: guest.credentials.clone() },
            Self { title: "another account with a guest's order", credentials: both },
        ]
    }

    fn request(&self, shop: &Shop, operation: Operation<'_>, path: &str) -> anyhow::Result<RequestBuilder> {
        let mut request = shop.http.request(operation.method(), shop.url(path)).headers(self.credentials.clone());
        for (name, value) in operation.required_headers()? {
            request = request.header(name, value);
        }
        if operation.body().is_some() {
            request = request.json(&operation.example()?);
        }
        Ok(request)
    }

    /// What is answered to an id of somebody else.
    fn refusal(&self, audience: Audience) -> u16 {
        match (audience, self.credentials.contains_key(AUTHORIZATION)) {
            (Audience::Everybody | Audience::Customers, _) | (Audience::Accounts, true) => 404,
            (Audience::Administrators, true) => 403,
            (Audience::Accounts | Audience::Administrators, false) => 401,
        }
    }
}

#[test]
fn ids_of_somebody_else_are_worth_nothing() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let operations = document.operations();
        let takes_ids = || operations.iter().filter(|operation| operation.parameters("path").next().is_some());
        let owners = [Person::with_account(shop).await?, Person::guest(shop).await?];
        let strangers = Stranger::all(&Person::with_account(shop).await?, &Person::guest(shop).await?);

        let (mut tried, mut wrong) = (BTreeSet::new(), Vec::new());
        for owner in &owners {
            let before = everything_of(shop, &document, owner).await?;
            for operation in takes_ids() {
                let Some(path) = path_to(operation, owner) else { continue };
                tried.insert(operation.title());
                for stranger in &strangers {
                    let answer = Answer::of(stranger.request(shop, *operation, &path)?).await?;
                    let nothing = made_up(&path, owner);
                    let nobodys = Answer::of(stranger.request(shop, *operation, &nothing)?).await?;
                    if let Err(error) = refused(stranger, *operation, owner, &path, &answer, &nobodys) {
                        wrong.push(format!("{} tries {} {path}: {error}", stranger.title, operation.method()));
                    }
                }
            }
            let after = everything_of(shop, &document, owner).await?;
            assert_eq!(before, after, "nothing that anybody tried has changed anything");
        }

        assert!(wrong.is_empty(), "{wrong:#?}");
        let all: BTreeSet<_> = takes_ids().map(Operation::title).collect();
        assert_eq!(tried, all, "nobody has an id for the operations that are missing on the left");
        Ok(())
    })
}

/// Checks what a stranger was answered, also next to the answer to an id that nobody has.
fn refused(
    stranger: &Stranger,
    operation: Operation<'_>,
    owner: &Person,
    path: &str,
    answer: &Answer,
    nobodys: &Answer,
) -> anyhow::Result<()> {
    // The catalogue belongs to nobody. With the id of a product, everybody reads it and fills a cart of their own.
    let is_product = path.contains("/prod_");
    if !is_product || operation.audience() == Audience::Administrators {
        let expected = stranger.refusal(operation.audience());
        ensure!(answer.status == expected, "not {expected}: {answer:?}");
        let alike = (answer.status, answer.code(), answer.body["title"].clone());
        let alike = alike == (nobodys.status, nobodys.code(), nobodys.body["title"].clone());
        ensure!(alike, "it is told apart from an id that nobody has: {answer:?} {nobodys:?}");
    }
    ensure!(!answer.status.is_server_error(), "{answer:?}");
    tells_nothing(owner, path, answer)
}

#[test]
fn lists_hold_nothing_of_somebody_else() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let owners = [Person::with_account(shop).await?, Person::guest(shop).await?];
        let (account, guest) = (Person::with_account(shop).await?, Person::guest(shop).await?);
        let strangers = Stranger::all(&account, &guest);

        let (mut lists, mut wrong) = (0, Vec::new());
        for operation in document.operations() {
            if !is_personal_read(operation) || operation.parameters("path").next().is_some() {
                continue;
            }
            lists += 1;
            for owner in &owners {
                for path in paths_of_list(operation, owner) {
                    for stranger in &strangers {
                        let answer = Answer::of(stranger.request(shop, operation, &path)?).await?;
                        let administrative = operation.audience() == Audience::Administrators;
                        let expected = stranger.refusal(operation.audience());
                        if administrative && answer.status != expected {
                            wrong.push(format!("{} reads {path}: not {expected}: {answer:?}", stranger.title));
                        }
                        if let Err(error) = tells_nothing(owner, &path, &answer) {
                            wrong.push(format!("{} reads {path}: {error}", stranger.title));
                        }
                    }
                }
            }
        }

        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(lists > 3, "there are lists of orders, messages and users");
        let own = Answer::of(account.asks(shop, Method::GET, "/api/orders")).await?;
        assert!(own.body.to_string().contains(account.order.as_str()), "what is one's own is there: {own:#?}");
        Ok(())
    })
}

/// Checks that an answer has none of the owner's secrets, unless the request named it.
fn tells_nothing(owner: &Person, path: &str, answer: &Answer) -> anyhow::Result<()> {
    let said = format!("{:?} {}", answer.headers, answer.body);
    let told: Vec<_> =
        owner.secrets.iter().filter(|secret| said.contains(*secret) && !path.contains(*secret)).collect();
    ensure!(told.is_empty(), "it tells {told:?}: {answer:?}");
    Ok(())
}

/// All that can be read of what somebody has, by themselves and by an administrator.
async fn everything_of(shop: &Shop, document: &Document, owner: &Person) -> anyhow::Result<Vec<(String, Value)>> {
    let is_guest = !owner.credentials.contains_key(AUTHORIZATION);
    let mut read = Vec::new();
    for operation in document.operations().into_iter().filter(|operation| is_personal_read(*operation)) {
        let audience = operation.audience();
        if is_guest && audience == Audience::Accounts {
            continue;
        }
        let paths = match path_to(&operation, owner) {
            Some(path) if operation.parameters("path").next().is_some() => vec![path],
            Some(_) => paths_of_list(operation, owner),
            None => continue,
        };
        for path in paths {
            let names_them = owner.ids.iter().any(|id| path.contains(id));
            let request = match audience {
                // What administrators read otherwise is not only of this owner, so it changes meanwhile.
                Audience::Administrators if !names_them => continue,
                Audience::Administrators => shop.as_admin(Method::GET, &path),
                Audience::Everybody | Audience::Customers | Audience::Accounts => owner.asks(shop, Method::GET, &path),
            };
            let answer = Answer::of(request).await?;
            ensure!(answer.status == 200 || path.contains('?'), "{path}: {answer:?}");
            read.push((path, answer.body));
        }
    }
    let shown = read.iter().any(|(_, body)| body.to_string().contains(owner.order.as_str()));
    ensure!(shown, "the order is not among what can be read: {read:?}");
    Ok(read)
}

/// Whether the operation reads what is not the same for everybody.
fn is_personal_read(operation: Operation<'_>) -> bool {
    operation.method() == Method::GET && operation.audience() != Audience::Everybody
}

/// The path with the ids of somebody, if they have ids of these kinds.
fn path_to(operation: &Operation<'_>, owner: &Person) -> Option<String> {
    let known = operation.parameters("path").all(|parameter| id_for(parameter, owner).is_some());
    known.then(|| operation.path_with(|_, parameter| id_for(parameter, owner).unwrap_or_default().to_owned()))
}

/// Ways to ask for a list: plain, and narrowed down to what is somebody's by each parameter that takes an id, each alone
/// and with each value of each parameter that has a few.
fn paths_of_list(operation: Operation<'_>, owner: &Person) -> Vec<String> {
    let parameters: Vec<_> = operation.parameters("query").collect();
    let pair = |parameter: &Value, value: &str| format!("{}={value}", parameter["name"].as_str().unwrap_or_default());
    let by_id = parameters.iter().filter_map(|parameter| Some(pair(parameter, id_for(parameter, owner)?)));
    let by_id: Vec<_> = by_id.collect();
    let choices = parameters.iter().flat_map(|parameter| {
        let values = parameter["schema"]["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        values.map(|value| pair(parameter, value))
    });
    let choices: Vec<_> = choices.collect();

    let both = by_id.iter().flat_map(|id| choices.iter().map(move |choice| format!("{id}&{choice}")));
    let queries: Vec<_> = both.chain(by_id.clone()).chain(choices.clone()).collect();
    let narrowed = queries.iter().map(|query| format!("{}?{query}", operation.path));
    [operation.path.to_owned()].into_iter().chain(narrowed).collect()
}

/// What somebody has that a parameter takes, as its pattern says.
fn id_for<'a>(parameter: &Value, owner: &'a Person) -> Option<&'a str> {
    let pattern = parameter["schema"]["pattern"].as_str()?;
    let fits = |id: &&String| id.split_once('_').is_some_and(|(prefix, _)| pattern.contains(&format!("{prefix}_")));
    owner.ids.iter().find(fits).map(String::as_str)
}

/// The same path with an id of the same shape that nobody has.
fn made_up(path: &str, owner: &Person) -> String {
    owner.ids.iter().fold(path.to_owned(), |path, id| {
        let (prefix, rest) = id.split_once('_').unwrap_or_default();
        let zeros = rest.replace(|c: char| c.is_ascii_alphanumeric(), "0");
        path.replace(id, &format!("{prefix}_{zeros}"))
    })
}
