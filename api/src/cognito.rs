//! Amazon Cognito: who has an account, and with which password. Every refusal that could tell an account from an unknown
//! one is made the same here, so that no handler can get it wrong.

mod credentials;
mod error;
mod repeat;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, AuthFlowType, AuthenticationResultType, ChallengeNameType,
};
use kassa_domain::{EmailAddress, PersonName, UserId};

use crate::config::CognitoConfig;

pub(crate) use credentials::{AccountEmail, Code, NewPassword, Password, RefreshToken};
pub(crate) use error::CognitoError;

use error::{Refusal, refusal};
use repeat::RefusalsAreFinal;

/// Calls are repeated once: long enough to bridge a lost packet, short enough for whoever waits.
const ATTEMPTS: u32 = 2;
const CONNECT: Duration = Duration::from_secs(3);
const ATTEMPT: Duration = Duration::from_secs(5);

const SUBJECT: &str = "sub";
const EMAIL: &str = "email";
const NAME: &str = "name";

/// The user pool. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Cognito {
    client: Client,
    user_pool_id: String,
    client_id: String,
}

/// An account, as Cognito knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: UserId,
    pub(crate) email: EmailAddress,
    pub(crate) name: Option<PersonName>,
}

/// What became of a new password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PasswordChange {
    /// It is accepted; or the address has an account already, which is nobody's business.
    Accepted,
    /// It does not meet the policy of the pool; in Cognito's words.
    Weak(String),
    /// The code that came with it is not the one that was mailed, or not any more.
    WrongCode,
}

/// What became of an attempt to sign in.
#[derive(Debug, Clone)]
pub(crate) enum SignIn {
    /// It succeeded.
    Tokens(Tokens),
    /// There is no such account, it has another password or needs a new one, or it is not confirmed.
    Refused,
    /// The password is right, but has to be replaced.
    PasswordExpired,
    /// The password is right, but the account asks for more than a password.
    MoreThanAPassword,
}

/// What Cognito hands out.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    /// Absent when tokens are refreshed: the old one stays valid.
    pub(crate) refresh: Option<String>,
    /// How many seconds the access token is valid.
    pub(crate) expires_in: u32,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Cognito {
    /// Makes a client that gives up early, because somebody waits.
    pub fn connect(shared: &SdkConfig, config: &CognitoConfig) -> Self {
        let mut builder = aws_sdk_cognitoidentityprovider::config::Builder::from(shared)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .retry_classifier(RefusalsAreFinal)
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build(),
            );
        if let Some(endpoint) = &config.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Self {
            client: Client::from_conf(builder.build()),
            user_pool_id: config.user_pool_id.clone(),
            client_id: config.client_id.clone(),
        }
    }

    /// Registers an account, and has a code mailed to its address.
    pub(crate) async fn sign_up(
        &self,
        email: &AccountEmail,
        password: &NewPassword,
        name: Option<&PersonName>,
    ) -> Result<PasswordChange, CognitoError> {
        let attribute = |name: &str, value: &str| {
            AttributeType::builder().name(name).value(value).build().expect("the name is set")
        };
        let call = self
            .client
            .sign_up()
            .client_id(&self.client_id)
            .username(email.as_str())
            .password(password.as_str())
            .user_attributes(attribute(EMAIL, email.as_str()));
        let call = match name {
            Some(name) => call.user_attributes(attribute(NAME, name.expose())),
            None => call,
        };
        match call.send().await.map_err(refusal) {
            Ok(_) => Ok(PasswordChange::Accepted),
            // An undeliverable code is no secret of ours, but that it was to be delivered is.
            Err(error)
                if error.is(&["UsernameExistsException", "AliasExistsException", "CodeDeliveryFailureException"]) =>
            {
                Ok(PasswordChange::Accepted)
            }
            Err(error) => weak_password(error),
        }
    }

    /// Confirms an address with the code that was mailed to it; whether the code is the right one.
    pub(crate) async fn confirm(&self, email: &AccountEmail, code: &Code) -> Result<bool, CognitoError> {
        let call = self.client.confirm_sign_up().client_id(&self.client_id);
        let call = call.username(email.as_str()).confirmation_code(code.as_str());
        match call.send().await.map_err(refusal) {
            Ok(_) => Ok(true),
            Err(error) if error.is(WRONG_CODE) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Has the code for an unconfirmed address mailed again; for any other, nothing happens.
    pub(crate) async fn resend_code(&self, email: &AccountEmail) -> Result<(), CognitoError> {
        let call = self.client.resend_confirmation_code().client_id(&self.client_id).username(email.as_str());
        nothing_to_tell(call.send().await.map_err(refusal))
    }

    /// Has a code mailed with which the password of this address can be replaced; without an account, nothing happens.
    pub(crate) async fn forgotten_password(&self, email: &AccountEmail) -> Result<(), CognitoError> {
        let call = self.client.forgot_password().client_id(&self.client_id).username(email.as_str());
        nothing_to_tell(call.send().await.map_err(refusal))
    }

    /// Replaces a password with the help of a mailed code.
    pub(crate) async fn reset_password(
        &self,
        email: &AccountEmail,
        code: &Code,
        password: &NewPassword,
    ) -> Result<PasswordChange, CognitoError> {
        let call = self.client.confirm_forgot_password().client_id(&self.client_id).username(email.as_str());
        match call.confirmation_code(code.as_str()).password(password.as_str()).send().await.map_err(refusal) {
            Ok(_) => Ok(PasswordChange::Accepted),
            Err(error) if error.is(WRONG_CODE) => Ok(PasswordChange::WrongCode),
            Err(error) => weak_password(error),
        }
    }

    /// Signs in with a password.
    pub(crate) async fn sign_in(&self, email: &AccountEmail, password: &Password) -> Result<SignIn, CognitoError> {
        let call = self
            .client
            .initiate_auth()
            .client_id(&self.client_id)
            .auth_flow(AuthFlowType::UserPasswordAuth)
            .auth_parameters("USERNAME", email.as_str())
            .auth_parameters("PASSWORD", password.as_str());
        let answer = match call.send().await.map_err(refusal) {
            Ok(answer) => answer,
            Err(error) if error.is(NO_SIGN_IN) => return Ok(SignIn::Refused),
            Err(error) => return Err(error.into()),
        };
        match (answer.authentication_result, answer.challenge_name) {
            (Some(result), _) => Ok(SignIn::Tokens(tokens(result)?)),
            (None, Some(ChallengeNameType::NewPasswordRequired)) => Ok(SignIn::PasswordExpired),
            (None, _) => Ok(SignIn::MoreThanAPassword),
        }
    }

    /// A new access token, unless the refresh token is not, or no longer, valid.
    pub(crate) async fn refresh(&self, token: &RefreshToken) -> Result<Option<Tokens>, CognitoError> {
        let call = self
            .client
            .initiate_auth()
            .client_id(&self.client_id)
            .auth_flow(AuthFlowType::RefreshTokenAuth)
            .auth_parameters("REFRESH_TOKEN", token.as_str());
        match call.send().await.map_err(refusal) {
            Ok(answer) => answer.authentication_result.map(tokens).transpose(),
            Err(error) if error.is(&["NotAuthorizedException", "UserNotFoundException"]) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends all sessions of an account: no refresh token that was handed out before is valid any more.
    pub(crate) async fn sign_out(&self, access_token: &str) -> Result<(), CognitoError> {
        match self.client.global_sign_out().access_token(access_token).send().await.map_err(refusal) {
            Ok(_) => Ok(()),
            // Signed out, or deleted, before.
            Err(error) if error.is(GONE) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The account that an access token belongs to, unless it has been signed out.
    pub(crate) async fn account_of(&self, access_token: &str) -> Result<Option<Account>, CognitoError> {
        match self.client.get_user().access_token(access_token).send().await.map_err(refusal) {
            Ok(answer) => account(answer.user_attributes()).map(Some),
            Err(error) if error.is(GONE) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The account of an address that has just been confirmed.
    pub(crate) async fn account_with(&self, email: &AccountEmail) -> Result<Option<Account>, CognitoError> {
        let call = self.client.admin_get_user().user_pool_id(&self.user_pool_id).username(email.as_str());
        match call.send().await.map_err(refusal) {
            Ok(answer) => account(answer.user_attributes()).map(Some),
            Err(error) if error.is(&["UserNotFoundException"]) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Why Cognito lets nobody in. That an account waits for its confirmation or for a new password is reported whatever
/// password was shown, so both have to look like an unknown account.
const NO_SIGN_IN: &[&str] =
    &["NotAuthorizedException", "UserNotFoundException", "UserNotConfirmedException", "PasswordResetRequiredException"];

/// What Cognito calls a code that is worth nothing, and everything else that only an account can bring about.
const WRONG_CODE: &[&str] = &[
    "CodeMismatchException",
    "ExpiredCodeException",
    "UserNotFoundException",
    "UserNotConfirmedException",
    "NotAuthorizedException",
    "AliasExistsException",
    "LimitExceededException",
    "TooManyFailedAttemptsException",
];

/// What Cognito calls a token whose account or session is gone.
const GONE: &[&str] =
    &["NotAuthorizedException", "UserNotFoundException", "UserNotConfirmedException", "PasswordResetRequiredException"];

/// Whether there is an account, whether it is confirmed, and how often it asked for codes, is told to nobody.
fn nothing_to_tell<T>(answer: Result<T, Refusal>) -> Result<(), CognitoError> {
    match answer {
        Ok(_) => Ok(()),
        Err(error)
            if error.is(&[
                "UserNotFoundException",
                "NotAuthorizedException",
                "InvalidParameterException",
                "LimitExceededException",
                "CodeDeliveryFailureException",
            ]) =>
        {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn weak_password(error: Refusal) -> Result<PasswordChange, CognitoError> {
    if error.is(&["InvalidPasswordException", "PasswordHistoryPolicyViolationException"]) {
        return Ok(PasswordChange::Weak(error.password_policy()));
    }
    Err(error.into())
}

fn tokens(result: AuthenticationResultType) -> Result<Tokens, CognitoError> {
    Ok(Tokens {
        access: result.access_token.ok_or(CognitoError::Incomplete("an access token"))?,
        refresh: result.refresh_token,
        expires_in: u32::try_from(result.expires_in).map_err(|_| CognitoError::Incomplete("an expiry"))?,
    })
}

fn account(attributes: &[AttributeType]) -> Result<Account, CognitoError> {
    let value = |name: &str| {
        attributes.iter().find(|attribute| attribute.name() == name).and_then(|attribute| attribute.value())
    };
    let user = value(SUBJECT).and_then(|subject| UserId::of_subject(subject).ok());
    let email = value(EMAIL).and_then(|email| email.parse().ok());
    Ok(Account {
        user: user.ok_or(CognitoError::Incomplete("a subject"))?,
        email: email.ok_or(CognitoError::Incomplete("an e-mail address"))?,
        // Whatever an administrator may have put there is no reason to shut somebody out.
        name: value(NAME).and_then(|name| PersonName::try_from(name.to_owned()).ok()),
    })
}
