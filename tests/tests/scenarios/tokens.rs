//! Tokens as Cognito issues them, shown to the API as access tokens.

use anyhow::Context as _;
use kassa_devstack::ministack::{ADMIN_EMAIL, ADMIN_PASSWORD};
use kassa_tests::{Answer, on_shared_shop};
use serde_json::Value;

fn token<'a>(answer: &'a Value, name: &str) -> anyhow::Result<&'a str> {
    answer["AuthenticationResult"][name].as_str().with_context(|| format!("no {name}"))
}

#[test]
fn only_the_access_token_of_the_shop_signs_in() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let aws = &shop.stack.aws;
        let own = aws.sign_in(&aws.user_pool().client_id, ADMIN_EMAIL, ADMIN_PASSWORD).await?;
        let another_client = aws.another_client("another-shop").await?;
        let foreign = aws.sign_in(&another_client, ADMIN_EMAIL, ADMIN_PASSWORD).await?;
        let access = token(&own, "AccessToken")?;
        let (header_and_claims, signature) = access.rsplit_once('.').context("three parts")?;
        let show = async |token: &str| Answer::of(shop.http.get(shop.url("/api/users")).bearer_auth(token)).await;

        assert_eq!(show(access).await?.status, 200);
        for (what, token) in [
            ("an ID token", token(&own, "IdToken")?.to_owned()),
            ("a refresh token", token(&own, "RefreshToken")?.to_owned()),
            ("an access token of another client", token(&foreign, "AccessToken")?.to_owned()),
            ("an unsigned token", format!("{header_and_claims}.")),
            ("a token with a part of its signature", format!("{header_and_claims}.{}", &signature[..300])),
        ] {
            let answer = show(&token).await?;
            assert_eq!(answer.status, 401, "{what}: {answer:#?}");
            answer.assert_problem(401, "unauthorized");
        }
        let customer = shop.sign_up().await?;
        show(&customer.token).await?.assert_problem(403, "forbidden");
        Ok(())
    })
}
