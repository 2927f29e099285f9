-- Gives back one of what is limited, because it did not happen.
-- KEYS[1] when all that happened will be forgotten; ARGV how many at once, and in how long.

local burst, per = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local busy = (tonumber(redis.call('GET', KEYS[1]) or 0) or 0) - math.floor(per / burst)
if busy > now then
  redis.call('SET', KEYS[1], string.format('%.0f', busy), 'PX', string.format('%.0f', math.ceil((busy - now) / 1000)))
else
  redis.call('DEL', KEYS[1])
end
return 1
