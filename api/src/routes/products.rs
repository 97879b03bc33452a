//! The catalogue: one file per thing that can be done.

pub(crate) mod body;
pub(crate) mod categories;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod movements;
pub(crate) mod read;
pub(crate) mod stock;
pub(crate) mod update;

use kassa_domain::ProductId;
use kassa_store::products::{ChangeProductError, MAX_PAGE};

use crate::problem::{Problem, ProblemCode};

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] = &[
    ("create_product", &[ProblemCode::ProductExists, ProblemCode::TemporarilyUnavailable]),
    ("list_products", &[ProblemCode::TemporarilyUnavailable]),
    ("list_categories", &[ProblemCode::TemporarilyUnavailable]),
    ("get_product", &[ProblemCode::ProductNotFound, ProblemCode::TemporarilyUnavailable]),
    (
        "update_product",
        &[
            ProblemCode::ProductNotFound,
            ProblemCode::PreconditionFailed,
            ProblemCode::PreconditionRequired,
            ProblemCode::TemporarilyUnavailable,
        ],
    ),
    (
        "delete_product",
        &[
            ProblemCode::ProductNotFound,
            ProblemCode::ProductReserved,
            ProblemCode::PreconditionFailed,
            ProblemCode::PreconditionRequired,
            ProblemCode::TemporarilyUnavailable,
        ],
    ),
    (
        "change_stock",
        &[
            ProblemCode::ProductNotFound,
            ProblemCode::InsufficientStock,
            ProblemCode::IdempotencyKeyReused,
            ProblemCode::TemporarilyUnavailable,
        ],
    ),
    ("get_stock", &[ProblemCode::ProductNotFound, ProblemCode::TemporarilyUnavailable]),
    ("import_products", &[]),
];

fn not_found(id: &ProductId) -> Problem {
    Problem::new(ProblemCode::ProductNotFound, format!("The catalogue has no {id}."))
}

/// Why a product was neither changed nor deleted.
fn refused(error: ChangeProductError) -> Problem {
    match error {
        ChangeProductError::UnknownProduct(id) => not_found(&id),
        ChangeProductError::VersionMismatch { .. } => Problem::new(
            ProblemCode::PreconditionFailed,
            "Somebody else has changed the product since you read it. Read it again, and decide anew.",
        ),
        ChangeProductError::NegativePrice => Problem::field("price.amount", error.to_string()),
        ChangeProductError::Reserved { reserved } => Problem::new(
            ProblemCode::ProductReserved,
            format!("Orders that are being paid for hold {reserved} pieces. Try again when they are decided."),
        ),
        ChangeProductError::Store(error) => error.into(),
    }
}

// What the documentation says about a page has to be what is checked.
const _: () = assert!(MAX_PAGE == 100);
