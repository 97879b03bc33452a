WITH shipped AS (
    UPDATE orders
    SET status = 'SHIPPED',
        updated_at = clock_timestamp(),
        version = version + 1,
        events = events + 1
    WHERE order_id = :order_id
        AND status = ANY (string_to_array(:from_statuses, ','))
    RETURNING order_id, status, version, events, updated_at
),
shipment AS (
    INSERT INTO shipments (order_id, carrier, tracking_number, shipped_at)
    SELECT order_id, CAST(:carrier AS text), CAST(:tracking_number AS text), updated_at
    FROM shipped
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at, event_sequence)
    SELECT order_id, version, status, 'order.shipped', CAST(:detail AS jsonb), updated_at, events
    FROM shipped
)
SELECT
    orders.status,
    orders.caller,
    orders.email,
    COALESCE(shipped.events, order_history.event_sequence) AS event_sequence,
    shipped.events IS NOT NULL
        OR (shipments.carrier, shipments.tracking_number)
            IS NOT DISTINCT FROM (CAST(:carrier AS text), CAST(:tracking_number AS text)) AS same
FROM orders
LEFT JOIN shipped ON shipped.order_id = orders.order_id
LEFT JOIN shipments ON shipments.order_id = orders.order_id
LEFT JOIN order_history ON order_history.order_id = orders.order_id AND order_history.event = 'order.shipped'
WHERE orders.order_id = :order_id
