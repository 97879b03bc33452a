SELECT caller
FROM orders
WHERE order_id = :order_id
