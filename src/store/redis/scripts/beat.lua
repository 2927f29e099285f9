-- Contact: a write, and where everything stands. It is let through when memory is full: then nothing new is recorded, and
-- replicas that know all that was are right to say so.
-- KEYS[7] beat, KEYS[8] feed.

-- Redis' time, for people who look.
redis.call('SET', KEYS[7], redis.call('TIME')[1])
local last = redis.call('XREVRANGE', KEYS[8], '+', '-', 'COUNT', 1)
return { epoch, digits(seq), last[1] and last[1][1] or '0-0', redis.call('HGETALL', KEYS[2]) }
