SELECT
    order_items.product_id,
    order_items.name,
    order_items.quantity,
    order_items.unit_price,
    order_items.total,
    orders.currency
FROM order_items
JOIN orders ON orders.order_id = order_items.order_id
WHERE order_items.order_id = :order_id
ORDER BY order_items.line_no
