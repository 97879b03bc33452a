WITH locked AS (
    SELECT orders.order_id, orders.status AS order_status, refunds.refund_id, refunds.status AS refund_status
    FROM orders
    JOIN refunds ON refunds.order_id = orders.order_id
    WHERE refunds.refund_id = :refund_id
    FOR UPDATE
),
changed AS (
    UPDATE orders
    SET version = orders.version + 1,
        events = orders.events + CAST(:announcements AS bigint),
        updated_at = clock_timestamp()
    FROM locked
    WHERE orders.order_id = locked.order_id
        AND locked.refund_status = 'PENDING'
        -- The money of a cancelled order is owed, whatever the payment provider says.
        AND NOT (locked.order_status = 'CANCELLED' AND CAST(:status AS text) = 'FAILED')
    RETURNING orders.order_id, orders.status, orders.version, orders.updated_at,
        CASE WHEN CAST(:announcements AS bigint) > 0 THEN orders.events END AS event_sequence
),
settled AS (
    UPDATE refunds
    SET status = :status,
        reference = CAST(:reference AS text),
        failure = CAST(:failure AS text),
        settled_at = changed.updated_at
    FROM changed
    WHERE refunds.refund_id = :refund_id
    RETURNING refunds.refund_id, refunds.payment_id, refunds.status, refunds.amount, refunds.currency
),
payment AS (
    UPDATE payments
    SET refund_pending_amount = payments.refund_pending_amount - settled.amount,
        refunded_amount = payments.refunded_amount + CASE settled.status WHEN 'SUCCEEDED' THEN settled.amount ELSE 0 END,
        status = CASE
            WHEN settled.status <> 'SUCCEEDED' THEN payments.status
            WHEN payments.refunded_amount + settled.amount = payments.amount THEN 'REFUNDED'
            ELSE 'PARTIALLY_REFUNDED'
        END
    FROM settled
    WHERE payments.payment_id = settled.payment_id
),
history AS (
    INSERT INTO order_history (order_id, sequence, status, event, detail, at, event_sequence)
    SELECT changed.order_id, changed.version, changed.status, :event,
        jsonb_build_object(
            'refund_id', settled.refund_id,
            'amount', jsonb_build_object('amount', settled.amount, 'currency', settled.currency)
        ),
        changed.updated_at, changed.event_sequence
    FROM changed CROSS JOIN settled
)
SELECT
    changed.order_id IS NOT NULL AS changed,
    locked.order_status,
    known.status AS known_status,
    COALESCE(changed.event_sequence, announced.event_sequence) AS event_sequence
FROM locked
JOIN refunds AS known ON known.refund_id = locked.refund_id
LEFT JOIN changed ON TRUE
LEFT JOIN order_history AS announced
    ON announced.order_id = locked.order_id
    AND announced.event = 'order.refunded'
    AND announced.detail ->> 'refund_id' = locked.refund_id
