WITH line AS (
    SELECT *
    FROM jsonb_to_recordset(CAST(:lines AS jsonb))
        AS line (line_no integer, product_id text, name text, quantity integer, unit_price bigint, total bigint)
),
placed AS (
    INSERT INTO orders
        (order_id, caller, email, status, currency, total_amount, fingerprint, request_id, version)
    VALUES
        (:order_id, :caller, :email, 'PENDING', :currency, CAST(:total AS bigint), :fingerprint, :request_id, 1)
    ON CONFLICT (order_id) DO NOTHING
    RETURNING order_id, status, version, created_at
),
items AS (
    INSERT INTO order_items (order_id, line_no, product_id, name, quantity, unit_price, total)
    SELECT placed.order_id, line.line_no, line.product_id, line.name, line.quantity, line.unit_price, line.total
    FROM placed CROSS JOIN line
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at)
    SELECT order_id, version, status, 'order.placed', CAST(:detail AS jsonb), created_at
    FROM placed
)
SELECT TRUE AS placed, NULL AS fingerprint, NULL AS answer
FROM placed
UNION ALL
SELECT FALSE, fingerprint, CAST(answer AS text)
FROM orders
WHERE order_id = :order_id AND NOT EXISTS (SELECT 1 FROM placed)
