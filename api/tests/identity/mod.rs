//! An issuer of access tokens for tests: a key pair of its own, and a loopback server that publishes the public half.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kassa_api::TokenConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What tokens name as their issuer.
pub(crate) const ISSUER: &str = "https://issuer.example/pool";

/// The app client that tokens are for.
pub(crate) const CLIENT_ID: &str = "the-shop";

/// The group of the administrators.
pub(crate) const ADMIN_GROUP: &str = "admin";

/// The id of the first key of an issuer.
pub(crate) const KEY_ID: &str = "first";

/// The subject of most tokens.
pub(crate) const SUBJECT: &str = "0f1e2d3c-4b5a-4968-8776-655443322110";

/// A key pair that tokens are signed with.
pub(crate) struct SigningKey(RsaKeyPair);

impl SigningKey {
    pub(crate) fn generate() -> Self {
        Self(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key pair"))
    }

    /// The public half, as a JSON Web Key.
    pub(crate) fn public(&self, id: &str) -> Value {
        let key = self.0.public_key();
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let (n, e) = (key.modulus(), key.exponent());
        let (n, e) = (text(n.big_endian_without_leading_zero()), text(e.big_endian_without_leading_zero()));
        json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": id, "n": n, "e": e })
    }

    /// The public half, as the bytes that somebody could take for a shared secret.
    pub(crate) fn public_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// A token with this header and these claims, however little sense they make.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(header, claims);
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("a signature");
        format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Header and claims of a token, without the signature.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// Now, in seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock that is set");
    i64::try_from(since.as_secs()).expect("a time of this era")
}

/// The header of a good token.
pub(crate) fn header() -> Value {
    json!({ "alg": "RS256", "kid": KEY_ID })
}

/// The claims of a good access token of somebody who is no administrator.
pub(crate) fn claims() -> Value {
    json!({
        "sub": SUBJECT, "iss": ISSUER, "client_id": CLIENT_ID, "token_use": "access", "username": SUBJECT,
        "scope": "aws.cognito.signin.user.admin", "iat": now(), "exp": now() + 3600, "jti": "1",
    })
}

/// Claims with one of them replaced, added or, for null, taken away.
pub(crate) fn with(mut claims: Value, name: &str, value: Value) -> Value {
    let members = claims.as_object_mut().expect("an object");
    if value.is_null() {
        members.remove(name)
    } else {
        members.insert(name.to_owned(), value)
    };
    claims
}

/// An issuer. Its keys are published as long as the runtime lives that started it.
pub(crate) struct Issuer {
    pub(crate) key: SigningKey,
    address: SocketAddr,
    published: Arc<Published>,
}

struct Published {
    /// The keys; nobody answers properly while there are none.
    keys: Mutex<Vec<Value>>,
    requests: AtomicUsize,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let key = SigningKey::generate();
        let published =
            Arc::new(Published { keys: Mutex::new(vec![key.public(KEY_ID)]), requests: AtomicUsize::new(0) });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().route("/keys", get(keys)).with_state(Arc::clone(&published));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { key, address, published }
    }

    /// How the API is told to trust this issuer.
    pub(crate) fn config(&self) -> TokenConfig {
        TokenConfig {
            issuer: ISSUER.to_owned(),
            keys_url: format!("http://{}/keys", self.address),
            client_id: CLIENT_ID.to_owned(),
            admin_group: ADMIN_GROUP.to_owned(),
            keys_interval: Duration::from_mins(10),
        }
    }

    /// Publishes these keys from now on; none makes the server fail.
    pub(crate) fn publish(&self, keys: Vec<Value>) {
        *self.published.keys.lock().expect("nothing panics with the lock") = keys;
    }

    /// How often the keys were asked for.
    pub(crate) fn requests(&self) -> usize {
        self.published.requests.load(Ordering::SeqCst)
    }

    /// A good token of somebody who is no administrator.
    pub(crate) fn token(&self) -> String {
        self.key.sign(&header(), &claims())
    }

    /// A good token of an administrator.
    pub(crate) fn admin_token(&self) -> String {
        self.key.sign(&header(), &with(claims(), "cognito:groups", json!(["others", ADMIN_GROUP])))
    }
}

/// The issuer that the tests share which only want to be somebody.
pub(crate) fn issuer() -> &'static Issuer {
    static SHARED: LazyLock<Issuer> = LazyLock::new(|| {
        let (sender, receiver) = mpsc::channel();
        // Each test has a runtime of its own; this one outlives them.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                sender.send(Issuer::start().await).expect("somebody waits for it");
                std::future::pending::<()>().await;
            });
        });
        receiver.recv().expect("the thread sends it")
    });
    &SHARED
}

async fn keys(State(published): State<Arc<Published>>) -> axum::response::Response {
    published.requests.fetch_add(1, Ordering::SeqCst);
    let keys = published.keys.lock().expect("nothing panics with the lock").clone();
    if keys.is_empty() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    Json(json!({ "keys": keys })).into_response()
}
