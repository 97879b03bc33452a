//! What an order, a price and a status are; no async, no I/O.
//!
//! Everything here is a value: identifiers that cannot be confused with each other, money that cannot be added
//! across currencies, statuses that move only along their declared graph. The rest of Kassa relies on it to refuse
//! what makes no sense before anything has been written.

mod cart;
mod email;
mod idempotency;
mod ids;
mod money;
mod order;
mod person;
mod phone;
mod pricing;
mod product;
mod quantity;
mod shipment;

pub use cart::{
    Cart, CartChange, CartError, CartId, CartLine, CartReview, InvalidCartId, Mark, Merged, Offer, ReviewedLine, Seen,
};
pub use email::{EmailAddress, InvalidEmail};
pub use idempotency::{Caller, Fingerprint, IdempotencyKey, InvalidCaller, InvalidIdempotencyKey};
pub use ids::{
    EventId, GuestCartId, InvalidId, MessageId, OrderId, PaymentId, ProductId, ReconciliationId, RefundId, UserId,
};
pub use iso_currency::Currency;
pub use money::{Money, MoneyError, UnknownCurrency, parse_currency};
pub use order::{IllegalTransition, OrderStatus, UnknownStatus};
pub use person::{InvalidPersonName, MAX_PERSON_NAME_LENGTH, PersonName};
pub use phone::{InvalidPhoneNumber, PhoneNumber};
pub use pricing::{Line, MAX_LINES, PricedLine, PricedOrder, PricingError, price};
pub use product::{
    Attributes, Category, Description, ImageUrl, Images, InvalidAttributes, InvalidCategory, InvalidDescription,
    InvalidImageUrl, InvalidProductName, MAX_ATTRIBUTES, MAX_DESCRIPTION_LENGTH, MAX_IMAGES, MAX_NAME_LENGTH,
    MAX_PRICE, Product, ProductDetails, ProductName, StockLevel, TooManyImages,
};
pub use quantity::{InvalidQuantity, MAX_QUANTITY, Quantity};
pub use shipment::{Fulfilment, InvalidLabel, Label, MAX_LABEL_LENGTH, Parcel};
