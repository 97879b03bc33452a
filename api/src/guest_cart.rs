//! How a guest is known again by the cart: the server draws its id and signs it, and the guest sends both along.
//!
//! Programs keep the token and send it as the header `Kassa-Cart`; browsers keep the cookie, which no script can read.
//! The header wins, because whoever sends it does so on purpose.

use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use kassa_domain::{CartId, GuestCartId};
use kassa_store::carts::LIFETIME;
use uuid::Uuid;

use crate::auth::Visitor;
use crate::problem::{Problem, ProblemCode};
use crate::signing::{Purpose, Signer};
use crate::state::AppState;

/// The header that carries the token, both ways.
pub(crate) const KASSA_CART: HeaderName = HeaderName::from_static("kassa-cart");

/// The prefix makes browsers insist on HTTPS (or a local server) and on this very host (RFC 6265bis, section 4.1.3.2).
const COOKIE_NAME: &str = "__Host-kassa-cart";

/// The cart of whoever sends the request: that of the account, or the one that the guest was handed out; none if it is a
/// guest without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnCart(pub(crate) Option<CartId>);

impl FromRequestParts<AppState> for OwnCart {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        own_cart(&visitor, &parts.headers, &state.signer).map(Self)
    }
}

/// See [`OwnCart`].
pub(crate) fn own_cart(visitor: &Visitor, headers: &HeaderMap, signer: &Signer) -> Result<Option<CartId>, Problem> {
    match visitor {
        Visitor(Some(signed_in)) => Ok(Some(CartId::User(signed_in.user.clone()))),
        Visitor(None) => Ok(guest_cart(headers, signer)?.map(CartId::Guest)),
    }
}

/// The cart that the request names; one that we have not handed out is refused.
pub(crate) fn guest_cart(headers: &HeaderMap, signer: &Signer) -> Result<Option<GuestCartId>, Problem> {
    let mut values = headers.get_all(KASSA_CART).iter();
    if let Some(value) = values.next() {
        let once = values.next().is_none();
        let cart = value.to_str().ok().filter(|_| once).and_then(|token| verify(token, signer));
        return cart.map(Some).ok_or_else(|| {
            invalid(
                "Send the Kassa-Cart header as an answer gave it to you, once, or leave it out to start a new cart.",
            )
        });
    }
    match cookie(headers) {
        None => Ok(None),
        // A browser cannot forget the cookie by itself.
        Some(token) => verify(token, signer).map(Some).ok_or_else(|| {
            invalid(
                "The cookie with your cart is not valid; it is deleted. Send the request again to start a new cart.",
            )
            .header(SET_COOKIE, expired_cookie())
        }),
    }
}

/// A cart for a guest who has none yet.
pub(crate) fn draw() -> GuestCartId {
    GuestCartId::from_unique(Uuid::new_v4().as_u128())
}

/// What tells a guest which cart it is; nothing for an account.
pub(crate) fn hand_out(cart: Option<&CartId>, signer: &Signer) -> HeaderMap {
    let Some(CartId::Guest(cart)) = cart else { return HeaderMap::new() };
    let token = format!("{cart}.{}", signer.sign(Purpose::GuestCart, cart.as_str()));
    let max_age = LIFETIME.as_secs();
    let cookie = format!("{COOKIE_NAME}={token}; Path=/; Max-Age={max_age}; HttpOnly; Secure; SameSite=Lax");
    HeaderMap::from_iter([(KASSA_CART, ascii(&token)), (SET_COOKIE, ascii(&cookie))])
}

/// Makes a browser forget its cart.
pub(crate) fn expired_cookie() -> HeaderValue {
    ascii(&format!("{COOKIE_NAME}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"))
}

fn verify(token: &str, signer: &Signer) -> Option<GuestCartId> {
    let (id, signature) = token.split_once('.')?;
    let id: GuestCartId = id.parse().ok()?;
    signer.verify(Purpose::GuestCart, id.as_str(), signature).then_some(id)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|cookies| cookies.split(';')).find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == COOKIE_NAME).then_some(value)
    })
}

fn invalid(detail: &str) -> Problem {
    Problem::new(ProblemCode::CartTokenInvalid, detail).challenge(r#"Bearer realm="kassa""#)
}

fn ascii(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).expect("ids and signatures are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::new(&"k".repeat(32)).expect("long enough")
    }

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, ascii(value))])
    }

    fn token(cart: &GuestCartId) -> String {
        let handed_out = hand_out(Some(&CartId::Guest(cart.clone())), &signer());
        handed_out[KASSA_CART].to_str().expect("ASCII").to_owned()
    }

    #[test]
    fn what_was_handed_out_is_known_again_from_header_and_cookie() {
        let cart = draw();
        let token = token(&cart);
        let other = format!("a=b; {COOKIE_NAME}={token}; c=d");
        for headers in [headers(KASSA_CART, &token), headers(COOKIE, &other)] {
            assert_eq!(guest_cart(&headers, &signer()).expect("valid"), Some(cart.clone()));
        }
        assert_eq!(guest_cart(&headers(COOKIE, "a=b"), &signer()).expect("none"), None);
    }

    #[test]
    fn the_header_wins_over_the_cookie() {
        let (in_header, in_cookie) = (draw(), draw());
        let mut both = headers(KASSA_CART, &token(&in_header));
        both.insert(COOKIE, ascii(&format!("{COOKIE_NAME}={}", token(&in_cookie))));
        assert_eq!(guest_cart(&both, &signer()).expect("valid"), Some(in_header));
    }

    #[test]
    fn what_was_not_handed_out_is_refused() {
        let (cart, other) = (draw(), draw());
        let token = token(&cart);
        let signature = token.split_once('.').expect("a dot").1;
        let order = signer().sign(Purpose::GuestOrder, cart.as_str());
        let forged = [
            String::new(),
            cart.to_string(),
            format!("{other}.{signature}"),
            format!("{cart}.{order}"),
            format!("{cart}."),
            format!("usr_7c1f.{}", signer().sign(Purpose::GuestCart, "usr_7c1f")),
            format!("{token}x"),
        ];
        for forged in forged {
            let problem = guest_cart(&headers(KASSA_CART, &forged), &signer()).expect_err(&forged);
            assert_eq!(problem.code(), ProblemCode::CartTokenInvalid, "{forged}");
            let cookie = format!("{COOKIE_NAME}={forged}");
            let problem = guest_cart(&headers(COOKIE, &cookie), &signer()).expect_err(&forged);
            assert_eq!(problem.code(), ProblemCode::CartTokenInvalid, "{forged}");
        }
        let mut twice = headers(KASSA_CART, &token);
        twice.append(KASSA_CART, ascii(&token));
        assert!(guest_cart(&twice, &signer()).is_err());
    }
}
