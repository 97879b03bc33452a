//! A catalogue as JSON lines, brought into the store line by line.
//!
//! Each line is a product with its id, so importing the same lines again changes nothing. A line that is refused does not
//! stop the others, and leaves what there is as it is.

mod line;
mod report;

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use kassa_domain::ProductId;
use kassa_store::products::{ChangeProductError, CreateProductError, Expected};
use kassa_store::{Products, StoreError};
use line::Line;
pub use report::{LineError, LineReport, LineStatus, Report};

/// How many lines are written at the same time.
const AT_ONCE: usize = 8;

/// How often a line is tried while others change the same product.
const ATTEMPTS: u32 = 4;

/// Imports the lines of a text and tells what became of each. Empty lines are passed over.
pub async fn import(products: &Products, text: &[u8]) -> Report {
    let mut first_lines = BTreeMap::new();
    let lines: Vec<(u64, Parsed)> = text
        .split(|byte| *byte == b'\n')
        .zip(1_u64..)
        .filter(|(line, _)| !line.trim_ascii().is_empty())
        .map(|(line, number)| (number, unique(Line::parse(line), number, &mut first_lines)))
        .collect();
    let reports = stream::iter(lines).map(|(number, line)| async move {
        match line {
            Ok(line) => LineReport::of(number, line.id.clone(), write(products, line).await),
            Err((id, error)) => LineReport::refused(number, id, error),
        }
    });
    reports.buffered(AT_ONCE).collect::<Vec<_>>().await.into()
}

type Parsed = Result<Line, (Option<ProductId>, LineError)>;

/// Refuses a product that an earlier line has: which of them is meant to stay cannot be known.
fn unique(line: Parsed, number: u64, first_lines: &mut BTreeMap<ProductId, u64>) -> Parsed {
    let line = line?;
    let first = *first_lines.entry(line.id.clone()).or_insert(number);
    if first == number {
        return Ok(line);
    }
    Err((Some(line.id), LineError::new("id", format!("line {first} has the same product"))))
}

async fn write(products: &Products, line: Line) -> Result<LineStatus, LineError> {
    let Line { id, details } = line;
    for _ in 0..ATTEMPTS {
        let Some(found) = products.get(&id).await.map_err(|error| unavailable(&error))? else {
            return match products.create(id.clone(), details).await {
                Ok(_) => Ok(LineStatus::Created),
                Err(CreateProductError::AlreadyExists(_)) => {
                    Err(LineError::new("id", "there was a product with this id, and ids are not used twice"))
                }
                Err(error @ CreateProductError::NegativePrice) => {
                    Err(LineError::new("price.amount", error.to_string()))
                }
                Err(CreateProductError::Store(error)) => Err(unavailable(&error)),
            };
        };
        if found.details() == details {
            return Ok(LineStatus::Unchanged);
        }
        match products.update(&id, Expected::Version(found.version), &details).await {
            Ok(_) => return Ok(LineStatus::Updated),
            // Somebody else was faster: the line says how the product is to be, whatever it is now.
            Err(ChangeProductError::VersionMismatch { .. } | ChangeProductError::UnknownProduct(_)) => {}
            Err(error @ ChangeProductError::NegativePrice) => {
                return Err(LineError::new("price.amount", error.to_string()));
            }
            Err(error @ ChangeProductError::Reserved { .. }) => return Err(LineError::new("", error.to_string())),
            Err(ChangeProductError::Store(error)) => return Err(unavailable(&error)),
        }
    }
    Err(LineError::new("", "others are changing this product all the time; import the line again"))
}

fn unavailable(error: &StoreError) -> LineError {
    tracing::warn!(error = %error, "a line of an import could not be stored");
    LineError::new("", "the store could not be reached; import the line again")
}
