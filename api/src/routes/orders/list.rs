//! Lists of orders: one's own, or all of them.

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::{Caller, OrderStatus};
use kassa_store::Orders;
use kassa_store::orders::{OrderFilter, OrderPage, OrderSummary};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::{IntoParams, ToSchema};

use super::rfc3339;
use crate::auth::SignedIn;
use crate::extract::{QueryParameters, page_size};
use crate::problem::{Problem, ProblemCode};
use crate::wire::{MoneyBody, OrderStatusBody};

/// Which orders. Texts, so that what is wrong with them is said in the words of this API.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListOrders {
    /// `own` (as if left out), or `all` for administrators.
    #[param(value_type = Option<Scope>, inline)]
    scope: Option<String>,
    /// Those of one customer, as an order's `customer_id` names it; only with `scope=all`.
    #[param(pattern = "^(usr_[a-z0-9_-]{1,64}|guest_[0-9a-f]{32})$")]
    customer: Option<String>,
    /// Those in one of these statuses, separated by commas.
    #[param(value_type = Option<Vec<OrderStatusBody>>, style = Form, explode = false, min_items = 1)]
    status: Option<String>,
    /// Those that were placed at this time or later (RFC 3339).
    #[param(format = "date-time", example = "2026-11-01T00:00:00Z")]
    from: Option<String>,
    /// Those that were placed before this time (RFC 3339).
    #[param(format = "date-time", example = "2026-12-01T00:00:00Z")]
    to: Option<String>,
    /// The most orders of the page; 20 if left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Whose orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderScope)]
pub(crate) enum Scope {
    /// Those of the account that asks.
    Own,
    /// Everybody's.
    All,
}

/// An order in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderSummary, example = json!({
    "id": "ord_1f0c", "customer_id": "usr_1f0c", "status": "CONFIRMED", "total": {"amount": 2500, "currency": "EUR"},
    "refunded": {"amount": 0, "currency": "EUR"}, "item_count": 2, "created_at": "2026-11-21T08:15:00Z"
}))]
pub(crate) struct OrderSummaryBody {
    /// Its identifier.
    id: String,
    /// Whose it is: an account, or a guest by a hash of the address.
    customer_id: String,
    /// Where it is.
    status: OrderStatusBody,
    /// The sum of its items.
    total: MoneyBody,
    /// What was given back of it.
    refunded: MoneyBody,
    /// How many pieces were bought.
    item_count: u32,
    /// When it was placed (RFC 3339).
    #[schema(format = "date-time")]
    created_at: String,
}

/// Some orders, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderPage)]
pub(crate) struct OrderPageBody {
    /// The orders.
    items: Vec<OrderSummaryBody>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    next: Option<String>,
}

/// Lists orders, newest first.
///
/// Those of the account that asks; with `scope=all`, administrators see everybody's, those of guests among them. Orders
/// that are placed while the pages are read shift nothing.
#[utoipa::path(
    get, path = "/api/orders", tag = "orders", params(ListOrders), security(("access_token" = [])),
    responses((status = OK, description = "A page of orders.", body = OrderPageBody)),
)]
pub(crate) async fn list_orders(
    signed_in: SignedIn,
    State(orders): State<Orders>,
    QueryParameters(query): QueryParameters<ListOrders>,
) -> Result<JsonBody<OrderPageBody>, Problem> {
    let filter = OrderFilter {
        caller: query.caller(&signed_in)?,
        statuses: statuses(query.status.as_deref())?,
        from: moment("from", query.from.as_deref())?,
        to: moment("to", query.to.as_deref())?,
    };
    let page_size = page_size(query.limit.as_deref())?;
    let cursor = query.cursor.map(|text| text.parse().map_err(|error| Problem::parameter("cursor", error)));
    let page = orders.list(&filter, page_size, cursor.transpose()?.as_ref()).await?;
    Ok(JsonBody(page.into()))
}

impl ListOrders {
    fn scope(&self) -> Result<Scope, Problem> {
        match self.scope.as_deref() {
            None | Some("own") => Ok(Scope::Own),
            Some("all") => Ok(Scope::All),
            Some(_) => Err(Problem::parameter("scope", "expected `own` or `all`")),
        }
    }

    /// Whose orders; nobody's in particular is everybody's.
    fn caller(&self, signed_in: &SignedIn) -> Result<Option<Caller>, Problem> {
        match (self.scope()?, self.customer.as_deref()) {
            (Scope::Own, None) => Ok(Some(Caller::user(&signed_in.user))),
            (Scope::Own, Some(_)) => Err(Problem::parameter("customer", "only with scope=all")),
            (Scope::All, _) if !signed_in.admin => {
                Err(Problem::new(ProblemCode::Forbidden, "Everybody's orders are for administrators."))
            }
            (Scope::All, customer) => {
                customer.map(str::parse).transpose().map_err(|error| Problem::parameter("customer", error))
            }
        }
    }
}

fn statuses(text: Option<&str>) -> Result<Vec<OrderStatus>, Problem> {
    let statuses = text.into_iter().flat_map(|text| text.split(',')).map(|status| {
        status.parse().map_err(|_| {
            let known = OrderStatus::ALL.map(OrderStatus::as_str).join(", ");
            Problem::parameter("status", format!("expected some of {known}, separated by commas"))
        })
    });
    statuses.collect()
}

fn moment(name: &str, text: Option<&str>) -> Result<Option<OffsetDateTime>, Problem> {
    let parsed = text.map(|text| OffsetDateTime::parse(text, &Rfc3339)).transpose();
    parsed.map_err(|_| Problem::parameter(name, "expected a time as RFC 3339 writes it, such as 2026-11-01T00:00:00Z"))
}

impl From<OrderPage> for OrderPageBody {
    fn from(page: OrderPage) -> Self {
        Self {
            items: page.orders.into_iter().map(OrderSummaryBody::from).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

impl From<OrderSummary> for OrderSummaryBody {
    fn from(order: OrderSummary) -> Self {
        Self {
            id: order.order_id.into(),
            customer_id: order.caller.as_str().to_owned(),
            status: order.status.into(),
            total: order.total.into(),
            refunded: order.refunded.into(),
            item_count: order.pieces,
            created_at: rfc3339(order.created_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_a_list_with_commas() {
        let parsed = statuses(Some("SHIPPED,DELIVERED")).expect("a list");
        assert_eq!(parsed, [OrderStatus::Shipped, OrderStatus::Delivered]);
        assert_eq!(statuses(None).expect("no list"), []);
        for text in ["", "shipped", "SHIPPED,", "SHIPPED DELIVERED", "SHIPPED;DELIVERED"] {
            assert_eq!(statuses(Some(text)).expect_err(text).code(), ProblemCode::InvalidParameter, "{text}");
        }
    }

    #[test]
    fn times_have_a_zone() {
        assert!(moment("from", Some("2026-11-01T00:00:00+01:00")).expect("a time").is_some());
        for text in ["", "2026-11-01", "2026-11-01T00:00:00", "yesterday"] {
            assert_eq!(moment("to", Some(text)).expect_err(text).code(), ProblemCode::InvalidParameter, "{text}");
        }
    }
}
