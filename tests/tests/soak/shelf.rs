//! What is for sale: a few products that many want, and many that few do.

use kassa_domain::ProductId;
use kassa_tests::Shop;

/// How many products sell out.
pub(crate) const HOT: usize = 4;
/// How many products there are besides.
pub(crate) const COLD: usize = 30;

/// The products, the wanted ones first, each with how many pieces there were at first.
#[derive(Debug, Clone)]
pub(crate) struct Shelf(pub(crate) Vec<(ProductId, u64)>);

impl Shelf {
    /// Puts the products there, for so many orders.
    pub(crate) async fn fill(shop: &Shop, orders: usize) -> anyhow::Result<Self> {
        let few = i64::try_from((orders / 12).max(3))?;
        let many = i64::try_from(orders * 3)?;
        let mut products = Vec::new();
        for number in 0..HOT + COLD {
            let (price, stock) = (500 + 10 * i64::try_from(number)?, if number < HOT { few } else { many });
            products.push((shop.create_product(price, stock).await?, stock.cast_unsigned()));
        }
        Ok(Self(products))
    }

    pub(crate) fn product(&self, number: usize) -> &ProductId {
        &self.0[number].0
    }
}
