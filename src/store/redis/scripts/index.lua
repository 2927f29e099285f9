-- Lists a session under its subject, as long as the session's record lives; the list goes with the last of them.
-- KEYS[1] the list; ARGV the session's key, kept_until.

redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
local now = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000)))
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if last[2] then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', tonumber(last[2]))) end
return 1
