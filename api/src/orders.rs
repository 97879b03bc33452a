//! Who may see an order and decide about it.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderName;
use axum::http::request::Parts;
use kassa_domain::{Caller, OrderId};
use kassa_store::Orders;
use kassa_store::orders::OrderView;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::auth::{SignedIn, Visitor};
use crate::extract::PathParameter;
use crate::problem::{Problem, ProblemCode};
use crate::signing::{Purpose, Signer};
use crate::state::AppState;

/// The header in which a guest shows what the checkout handed out as `order_token`.
pub(crate) const ORDER_TOKEN: HeaderName = HeaderName::from_static("kassa-order-token");

/// What lets a guest back to an order; nothing for customers with an account, who have to sign in. The same for the
/// same order every time.
pub(crate) fn order_token(signer: &Signer, order_id: &OrderId, caller: &Caller) -> Option<String> {
    is_guest(caller).then(|| signer.sign(Purpose::GuestOrder, order_id.as_str()))
}

fn is_guest(caller: &Caller) -> bool {
    caller.as_user().is_none()
}

/// What a request shows to be let to an order: an access token, or the token that a guest was handed.
#[derive(Debug, Clone)]
pub(crate) struct OrderCredentials {
    visitor: Option<SignedIn>,
    token: Option<String>,
    signer: Signer,
}

impl OrderCredentials {
    /// Whether they let to an order that belongs to `caller`: administrators, its owner, and guests with its token.
    pub(crate) fn admit(&self, order_id: &OrderId, caller: &Caller) -> bool {
        let signed_in =
            self.visitor.as_ref().is_some_and(|signed_in| signed_in.admin || *caller == Caller::user(&signed_in.user));
        signed_in || (is_guest(caller) && self.has_token_of(order_id))
    }

    /// Whether they are those of an administrator, who decides for the shop.
    pub(crate) fn is_admin(&self) -> bool {
        self.visitor.as_ref().is_some_and(|signed_in| signed_in.admin)
    }

    /// The header, for the documentation.
    pub(crate) fn parameter() -> Parameter {
        ParameterBuilder::new()
            .name("Kassa-Order-Token")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "The `order_token` that a guest was given with the order. Customers with an account sign in instead.",
            ))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build()
    }

    fn has_token_of(&self, order_id: &OrderId) -> bool {
        let token = self.token.as_deref();
        token.is_some_and(|token| self.signer.verify(Purpose::GuestOrder, order_id.as_str(), token))
    }
}

impl FromRequestParts<AppState> for OrderCredentials {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Visitor(visitor) = Visitor::from_request_parts(parts, state).await?;
        let token = parts.headers.get(ORDER_TOKEN).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        Ok(Self { visitor, token, signer: Signer::from_ref(state) })
    }
}

/// A request about the order that its path names. To whom the order is none of their business, it does not exist.
#[derive(Debug, Clone)]
pub(crate) struct OrderAccess {
    /// The order.
    pub(crate) id: OrderId,
    credentials: OrderCredentials,
}

impl OrderAccess {
    /// The order, for those who may see it.
    pub(crate) async fn order(&self, orders: &Orders) -> Result<OrderView, Problem> {
        let order = orders.find(&self.id).await?;
        order.filter(|order| self.credentials.admit(&self.id, &order.caller)).ok_or_else(|| order_not_found(&self.id))
    }

    /// Whether the request comes from the shop, and not from the customer.
    pub(crate) fn is_of_the_shop(&self, order: &OrderView) -> bool {
        let own = self.credentials.visitor.as_ref().is_some_and(|by| order.caller == Caller::user(&by.user));
        self.credentials.is_admin() && !own
    }

    /// Checks that there is the order, and that the request may see it.
    pub(crate) async fn check(&self, orders: &Orders) -> Result<(), Problem> {
        let caller = orders.caller(&self.id).await?;
        let admitted = caller.is_some_and(|caller| self.credentials.admit(&self.id, &caller));
        if admitted { Ok(()) } else { Err(order_not_found(&self.id)) }
    }
}

impl IntoParams for OrderCredentials {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![Self::parameter()]
    }
}

impl IntoParams for OrderAccess {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let id = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The order."))
            .schema(Some(text().pattern(Some("^ord_[a-z0-9_-]{1,64}$"))))
            .example(Some("ord_1f0c".into()));
        vec![id.build(), OrderCredentials::parameter()]
    }
}

impl FromRequestParts<AppState> for OrderAccess {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let PathParameter(id) = PathParameter::from_request_parts(parts, state).await?;
        let credentials = OrderCredentials::from_request_parts(parts, state).await?;
        // Without any there is nothing that a look at the order could change.
        if credentials.visitor.is_none() && !credentials.has_token_of(&id) {
            return Err(order_not_found(&id));
        }
        Ok(Self { id, credentials })
    }
}

/// The order does not exist, or not for whoever asks: the answer is the same.
pub(crate) fn order_not_found(id: &OrderId) -> Problem {
    Problem::new(ProblemCode::OrderNotFound, format!("There is no order {id} that you may see."))
}

#[cfg(test)]
mod tests {
    use kassa_domain::UserId;

    use super::*;

    fn signer() -> Signer {
        Signer::new(&"k".repeat(32)).expect("long enough")
    }

    fn user(name: &str) -> UserId {
        UserId::of_subject(name).expect("an id")
    }

    fn signed_in(name: &str, admin: bool) -> OrderCredentials {
        let visitor = Some(SignedIn { user: user(name), admin });
        OrderCredentials { visitor, token: None, signer: signer() }
    }

    fn with_token(token: Option<String>) -> OrderCredentials {
        OrderCredentials { visitor: None, token, signer: signer() }
    }

    fn order(id: &str) -> OrderId {
        id.parse().expect("an id")
    }

    #[test]
    fn an_order_of_an_account_is_for_its_owner_and_administrators() {
        let (order, caller) = (order("ord_1"), Caller::user(&user("ada")));
        assert!(signed_in("ada", false).admit(&order, &caller));
        assert!(signed_in("root", true).admit(&order, &caller));
        assert!(!signed_in("bob", false).admit(&order, &caller));
        assert!(!with_token(None).admit(&order, &caller));
        assert_eq!(order_token(&signer(), &order, &caller), None);
        // A signature that was never handed out is worth nothing either.
        let signature = signer().sign(Purpose::GuestOrder, order.as_str());
        assert!(!with_token(Some(signature)).admit(&order, &caller));
    }

    #[test]
    fn an_order_of_a_guest_is_for_whoever_has_its_token_and_administrators() {
        let caller = Caller::guest(&"ada@example.com".parse().expect("an address"));
        let token = order_token(&signer(), &order("ord_1"), &caller);
        assert!(token.is_some());
        assert!(with_token(token.clone()).admit(&order("ord_1"), &caller));
        assert!(!with_token(token).admit(&order("ord_2"), &caller));
        assert!(!with_token(None).admit(&order("ord_1"), &caller));
        assert!(!with_token(Some(String::new())).admit(&order("ord_1"), &caller));
        assert!(!with_token(Some("made-up".to_owned())).admit(&order("ord_1"), &caller));
        assert!(signed_in("root", true).admit(&order("ord_1"), &caller));
        assert!(!signed_in("bob", false).admit(&order("ord_1"), &caller));
    }
}
