-- Takes one of what is limited (GCRA), by this server's clock, in microseconds. Answers with how long there is none; 0: it is
-- taken.
-- KEYS[1] when all that happened will be forgotten; ARGV how many at once, and in how long.

local burst, per = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
-- A clock that was set back, or a limit that was made narrower, keeps nobody waiting longer than what is limited takes.
local busy = math.min(tonumber(redis.call('GET', KEYS[1]) or 0) or 0, now + per)
busy = math.max(busy, now) + math.floor(per / burst)
local over = busy - now - per
if over > 0 then return over end
redis.call('SET', KEYS[1], string.format('%.0f', busy), 'PX', string.format('%.0f', math.ceil((busy - now) / 1000)))
return 0
