//! The user pool: who may sign in, with an administrator in it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{Ministack, REGION};
use crate::error::{Error, Result};

/// The group of the administrators.
pub const ADMIN_GROUP: &str = "admin";

/// The administrator's e-mail address.
pub const ADMIN_EMAIL: &str = "admin@kassa.example";

/// The administrator's password. It opens nothing but a stack on this machine.
pub const ADMIN_PASSWORD: &str = "only-on-this-machine!";

/// The code that the stand-in mails to whoever signs up.
pub const CONFIRMATION_CODE: &str = "123456";

/// The name of the pool and of its app client.
const NAME: &str = "kassa";

/// How long a token of the administrator is handed out; it is valid for an hour.
const TOKEN_AGE: Duration = Duration::from_mins(50);

/// The user pool of the shop, with the app client that the API uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPool {
    /// The id of the pool.
    pub id: String,
    /// The id of the app client.
    pub client_id: String,
}

impl UserPool {
    /// What the tokens of the pool name as their issuer. The stand-in uses the address of the real service.
    pub fn issuer(&self) -> String {
        format!("https://cognito-idp.{REGION}.amazonaws.com/{}", self.id)
    }
}

/// The last token of the administrator, and when it was given.
pub(super) type AdminToken = Mutex<Option<(String, Instant)>>;

impl Ministack {
    /// The user pool.
    pub fn user_pool(&self) -> &UserPool {
        &self.user_pool
    }

    /// Where the public keys of the pool's tokens are.
    pub fn token_keys_url(&self) -> String {
        format!("{}/{}/.well-known/jwks.json", self.endpoint(), self.user_pool.id)
    }

    /// An access token of the administrator.
    pub async fn admin_token(&self) -> Result<String> {
        let mut last = self.admin_token.lock().await;
        if let Some((token, given)) = last.as_ref()
            && given.elapsed() < TOKEN_AGE
        {
            return Ok(token.clone());
        }
        let tokens = self.sign_in(&self.user_pool.client_id, ADMIN_EMAIL, ADMIN_PASSWORD).await?;
        let token = text(&tokens, "/AuthenticationResult/AccessToken")?;
        *last = Some((token.clone(), Instant::now()));
        Ok(token)
    }

    /// Signs in with an app client, past the API, and gives what Cognito answers.
    pub async fn sign_in(&self, client_id: &str, email: &str, password: &str) -> Result<Value> {
        let request = json!({
            "ClientId": client_id,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": email, "PASSWORD": password },
        });
        self.cognito("InitiateAuth", &request).await
    }

    /// Another app client of the pool, whose tokens the API does not accept.
    pub async fn another_client(&self, name: &str) -> Result<String> {
        self.create_client(&self.user_pool.id, name).await
    }

    /// Makes the pool, the app client, the group and the administrator, as far as they are not there already.
    pub(super) async fn set_up_users(&mut self) -> Result<()> {
        let pools = self.cognito("ListUserPools", &json!({ "MaxResults": 60 })).await?;
        let id = match named(&pools["UserPools"], "Name").and_then(|pool| pool["Id"].as_str()) {
            Some(id) => id.to_owned(),
            None => self.create_pool().await?,
        };
        let clients = self.cognito("ListUserPoolClients", &json!({ "UserPoolId": id, "MaxResults": 60 })).await?;
        let client = named(&clients["UserPoolClients"], "ClientName");
        let client_id = match client.and_then(|client| client["ClientId"].as_str()) {
            Some(client_id) => client_id.to_owned(),
            None => self.create_client(&id, NAME).await?,
        };
        self.cognito("CreateGroup", &json!({ "UserPoolId": id, "GroupName": ADMIN_GROUP })).await?;
        let administrator = json!({
            "UserPoolId": id,
            "Username": ADMIN_EMAIL,
            "UserAttributes": [{ "Name": "email_verified", "Value": "true" }],
            "MessageAction": "SUPPRESS",
            "TemporaryPassword": ADMIN_PASSWORD,
        });
        self.cognito("AdminCreateUser", &administrator).await?;
        let password =
            json!({ "UserPoolId": id, "Username": ADMIN_EMAIL, "Password": ADMIN_PASSWORD, "Permanent": true });
        self.cognito("AdminSetUserPassword", &password).await?;
        let member = json!({ "UserPoolId": id, "Username": ADMIN_EMAIL, "GroupName": ADMIN_GROUP });
        self.cognito("AdminAddUserToGroup", &member).await?;
        self.user_pool = UserPool { id, client_id };
        *self.admin_token.get_mut() = None;
        Ok(())
    }

    async fn create_pool(&self) -> Result<String> {
        let pool = json!({
            "PoolName": NAME,
            "UsernameAttributes": ["email"],
            "UsernameConfiguration": { "CaseSensitive": false },
            "AutoVerifiedAttributes": ["email"],
            "Policies": { "PasswordPolicy": {
                "MinimumLength": 8,
                "RequireSymbols": true,
                "RequireUppercase": false,
                "RequireLowercase": false,
                "RequireNumbers": false,
            } },
        });
        text(&self.cognito("CreateUserPool", &pool).await?, "/UserPool/Id")
    }

    async fn create_client(&self, pool: &str, name: &str) -> Result<String> {
        let client = json!({
            "UserPoolId": pool,
            "ClientName": name,
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            "PreventUserExistenceErrors": "ENABLED",
            "EnableTokenRevocation": true,
        });
        text(&self.cognito("CreateUserPoolClient", &client).await?, "/UserPoolClient/ClientId")
    }

    async fn cognito(&self, operation: &str, body: &Value) -> Result<Value> {
        self.call("cognito-idp", &format!("AWSCognitoIdentityProviderService.{operation}"), body).await
    }
}

fn named<'a>(list: &'a Value, member: &str) -> Option<&'a Value> {
    list.as_array().into_iter().flatten().find(|item| item[member] == NAME)
}

fn text(answer: &Value, pointer: &str) -> Result<String> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found
        .map(ToOwned::to_owned)
        .ok_or_else(|| Error::setup("Setting up Cognito", format!("no {pointer} in the answer")))
}
