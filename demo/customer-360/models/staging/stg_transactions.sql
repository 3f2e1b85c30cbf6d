{#
  A run takes the transactions that it does not hold yet, or holds in another version, and merges them by
  their id, whenever they arrive. What its source has withdrawn since is removed, so that the table is
  always what raw_transactions says now, however many runs it took to get there.
#}
{{ config(
    materialized='incremental',
    unique_key='transaction_id',
    post_hook="{{ withdrawn('raw_transactions', 'transaction_id', 'loaded_at') }}"
) }}

with source as (

    select * from {{ ref('raw_transactions') }}

),

valid as (

    select * from source
    where transaction_id is not null
        and customer_id is not null
        and unit_price is not null
        and quantity > 0

),

latest as (

    select *
    from valid
    qualify row_number() over (partition by transaction_id order by loaded_at desc) = 1

),

renamed as (

    select
        ---------- ids
        transaction_id,
        customer_id,

        ---------- text
        lower(trim(status)) as status,
        lower(trim(channel)) as channel,

        ---------- numerics
        quantity,
        unit_price,
        cast(quantity * unit_price as decimal(18, 2)) as amount,

        ---------- booleans
        lower(trim(status)) = 'settled' as is_settled,
        lower(trim(status)) = 'refunded' as is_refunded,

        ---------- timestamps
        ordered_at,
        loaded_at

    from latest

)

select * from renamed
{% if is_incremental() %}
where not exists (
    select 1
    from {{ this }} as known
    where known.transaction_id = renamed.transaction_id
        and known.loaded_at = renamed.loaded_at
)
{% endif %}
