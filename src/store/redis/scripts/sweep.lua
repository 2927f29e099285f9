-- Removes revocations whose second life is over: at most so many a call, so that nobody waits long behind one. Never by TTL,
-- which would not count them out of the tallies. Let through when memory is full, because it makes room.
-- KEYS copy, until, kept, tallies; ARGV[1] now in milliseconds, ARGV[2] how many. Says how many it looked at.

local COPY, UNTIL, KEPT, TALLIES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
-- One replica's clock must not end what all others still need: no further than a minute ahead of Redis' own.
local now = math.min(tonumber(ARGV[1]), redis.call('TIME')[1] * 1000 + 60000)
local keys = redis.call('ZRANGEBYSCORE', KEPT, '-inf', millis(now), 'LIMIT', 0, ARGV[2])
if #keys == 0 then return 0 end

local hours, over = {}, {}
local stored = redis.call('HMGET', COPY, unpack(keys))
for at, key in ipairs(keys) do
  if stored[at] then
    local one, problem = read(stored[at])
    if not one then return redis.error_reply(problem) end
    over[key] = { stored[at], hour(one) }
    hours[hour(one)] = true
  end
end
local tallies, problem = tallies_of(TALLIES, hours)
if not tallies then return redis.error_reply(problem) end
redis.call('ZCARD', UNTIL)

for key, one in pairs(over) do count(tallies[one[2]], key, one[1], -1) end
redis.call('HDEL', COPY, unpack(keys))
redis.call('ZREM', UNTIL, unpack(keys))
redis.call('ZREM', KEPT, unpack(keys))
keep_tallies(TALLIES, tallies)
return #keys
