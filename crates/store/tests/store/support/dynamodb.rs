//! A `DynamoDB` with empty tables.

use kassa_devstack::dynamodb::DynamoDb as Server;
use kassa_devstack::stack::sdk_config;
use kassa_domain::{
    Attributes, Currency, Images, Line, Money, ProductDetails, ProductId, Quantity, StockLevel, UserId,
};
use kassa_store::products::{StockChange, StockReceipt};
use kassa_store::{DynamoDb, DynamoDbConfig, Products, Reservations, TableNames, tables};

use super::{Gateway, unique};

/// Products and reservations on a server of their own.
pub(crate) struct Shop {
    pub(crate) dynamodb: DynamoDb,
    pub(crate) products: Products,
    pub(crate) reservations: Reservations,
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) tables: TableNames,
    server: Server,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let server = Server::start(([127, 0, 0, 1], 0).into(), None).await.unwrap();
        let shared = sdk_config().await;
        let tables = TableNames::default();
        let config = DynamoDbConfig { endpoint: Some(server.endpoint()), ..DynamoDbConfig::default() };
        let client = kassa_store::config::dynamodb_client(&shared, &config);
        tables::create_missing(&client, &tables).await.unwrap();
        let dynamodb = DynamoDb::new(client.clone(), tables.clone());
        Self {
            products: Products::new(dynamodb.clone()),
            reservations: Reservations::new(dynamodb.clone()),
            dynamodb,
            client,
            tables,
            server,
        }
    }

    /// The same shop, seen by a client whose calls go through a gateway.
    pub(crate) async fn through_gateway(&self) -> (Gateway, DynamoDb) {
        let gateway = Gateway::start(self.server.endpoint()).await;
        let config = DynamoDbConfig {
            endpoint: Some(gateway.endpoint()),
            tables: self.tables.clone(),
            ..DynamoDbConfig::default()
        };
        let dynamodb = DynamoDb::connect(&sdk_config().await, &config);
        (gateway, dynamodb)
    }

    /// A product with this many pieces.
    pub(crate) async fn product(&self, available: i64) -> ProductId {
        let id = new_id();
        self.products.create(id.clone(), espresso_cup()).await.unwrap();
        if available > 0 {
            self.receive(&id, available).await;
        }
        id
    }

    pub(crate) async fn receive(&self, id: &ProductId, pieces: i64) -> StockLevel {
        self.products.receive_stock(id, &receipt(&unique(), pieces)).await.unwrap()
    }

    /// The counters of a product: available, reserved, sold.
    pub(crate) async fn counters(&self, id: &ProductId) -> (u64, u64, u64) {
        let stock = self.products.stock(id).await.unwrap().unwrap();
        (stock.available, stock.reserved, stock.sold)
    }
}

pub(crate) fn new_id() -> ProductId {
    ProductId::from_unique(uuid::Uuid::now_v7().as_u128())
}

pub(crate) fn espresso_cup() -> ProductDetails {
    ProductDetails {
        name: "Espresso cup".to_owned().try_into().unwrap(),
        description: "Holds 80 ml.".to_owned().try_into().unwrap(),
        category: None,
        price: Money::new(1250, Currency::EUR),
        images: Images::default(),
        attributes: Attributes::default(),
    }
}

pub(crate) fn receipt(receipt_id: &str, pieces: i64) -> StockReceipt {
    StockReceipt {
        receipt_id: receipt_id.to_owned().try_into().unwrap(),
        change: StockChange::try_from(pieces).unwrap(),
        reason: "delivery".to_owned(),
        by: UserId::of_subject("operator").unwrap(),
    }
}

pub(crate) fn line(product_id: &ProductId, pieces: i64) -> Line {
    Line { product_id: product_id.clone(), quantity: Quantity::new(pieces).unwrap() }
}
