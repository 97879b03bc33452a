//! What is for sale, and how much of it there is.

mod attributes;
mod category;
mod images;
mod name;
mod text;

use serde::{Deserialize, Serialize};

pub use attributes::{Attributes, InvalidAttributes, MAX_ATTRIBUTES};
pub use category::{Category, InvalidCategory};
pub use images::{ImageUrl, Images, InvalidImageUrl, MAX_IMAGES, TooManyImages};
pub use name::{InvalidProductName, MAX_NAME_LENGTH, ProductName};
pub use text::{Description, InvalidDescription, MAX_DESCRIPTION_LENGTH};

use crate::{Money, ProductId};

/// The most that one piece may cost, in minor units: Stripe charges amounts of up to eight digits.
pub const MAX_PRICE: i64 = 99_999_999;

/// Where the pieces of a product are. Their sum is what was ever received (less what was corrected away), at every
/// instant, and none is ever negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StockLevel {
    /// Free to be reserved.
    pub available: u64,
    /// Held by orders that are being paid for.
    pub reserved: u64,
    /// Deducted for good by confirmed orders.
    pub sold: u64,
}

impl StockLevel {
    /// What was ever received, less what was corrected away.
    pub const fn received(&self) -> u64 {
        self.available + self.reserved + self.sold
    }
}

/// What the catalogue says about a product: everything that is chosen by those who sell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductDetails {
    /// Its name.
    pub name: ProductName,
    /// Longer text for customers; may be empty.
    pub description: Description,
    /// Where it is found, if it is sorted in.
    pub category: Option<Category>,
    /// The price of one piece; zero is allowed, negative is not.
    pub price: Money,
    /// Pictures, the most telling first.
    pub images: Images,
    /// Whatever else customers want to know, such as a weight.
    pub attributes: Attributes,
}

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its identifier.
    pub id: ProductId,
    /// Its name.
    pub name: ProductName,
    /// Longer text for customers; may be empty.
    pub description: Description,
    /// Where it is found, if it is sorted in.
    pub category: Option<Category>,
    /// The price of one piece; zero is allowed, negative is not.
    pub price: Money,
    /// Pictures, the most telling first.
    pub images: Images,
    /// Whatever else customers want to know, such as a weight.
    pub attributes: Attributes,
    /// Where its pieces are.
    pub stock: StockLevel,
    /// Counts the changes of the catalogue entry (not of the stock), for optimistic updates.
    pub version: u64,
}

impl Product {
    /// A product as `details` describe it.
    pub fn new(id: ProductId, details: ProductDetails, stock: StockLevel, version: u64) -> Self {
        let ProductDetails { name, description, category, price, images, attributes } = details;
        Self { id, name, description, category, price, images, attributes, stock, version }
    }

    /// What the catalogue says about it.
    pub fn details(&self) -> ProductDetails {
        ProductDetails {
            name: self.name.clone(),
            description: self.description.clone(),
            category: self.category.clone(),
            price: self.price,
            images: self.images.clone(),
            attributes: self.attributes.clone(),
        }
    }
}
