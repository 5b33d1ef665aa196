-- Which settings are in force, and since when?
-- of: settings
-- rule:  EV-13; as int_settings has them
select
    occurred_at as happened_at,
    [
        {
            'stream': 'turnout/settings',
            'event_id': event_id,
            'at': occurred_at
        }
    ] as events
from stg_turnout__settings
order by
    occurred_at <= getvariable('as_of') desc,
    abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
    observed_at desc,
    event_id
limit 1
