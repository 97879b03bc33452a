SELECT payments.order_id
FROM payments
WHERE payments.payment_id = :payment_id
