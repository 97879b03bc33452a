WITH delivered AS (
    UPDATE orders
    SET status = 'DELIVERED',
        updated_at = clock_timestamp(),
        version = version + 1,
        events = events + 1
    WHERE order_id = :order_id
        AND status = ANY (string_to_array(:from_statuses, ','))
    RETURNING order_id, status, version, events, updated_at
),
shipment AS (
    UPDATE shipments
    SET delivered_at = delivered.updated_at
    FROM delivered
    WHERE shipments.order_id = delivered.order_id
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at, event_sequence)
    SELECT order_id, version, status, 'order.delivered', '{}', updated_at, events
    FROM delivered
)
SELECT
    orders.status,
    orders.caller,
    orders.email,
    COALESCE(delivered.events, order_history.event_sequence) AS event_sequence,
    TRUE AS same
FROM orders
LEFT JOIN delivered ON delivered.order_id = orders.order_id
LEFT JOIN order_history ON order_history.order_id = orders.order_id AND order_history.event = 'order.delivered'
WHERE orders.order_id = :order_id
