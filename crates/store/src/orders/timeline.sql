SELECT
    sequence,
    status,
    event,
    CAST(detail AS text) AS detail,
    CAST(EXTRACT(EPOCH FROM at) * 1000000 AS bigint) AS at,
    event_sequence
FROM order_history
WHERE order_id = :order_id
ORDER BY sequence
