-- Notes in a session's record that it has ended. Only ever in one that exists: nothing makes a session up, and one that has
-- ended keeps its end.
-- KEYS[1] the session; ARGV ended_at, kept_until.

local known = redis.call('HMGET', KEYS[1], 'v', 'ended_at', 'kept_until')
if not known[1] then return 0 end
if known[1] ~= '1' then
  return redis.error_reply('CSVERSION session ' .. (string.match(known[1], '^%d%d?%d?$') or '0'))
end
local kept = tonumber(known[3])
if not kept then return redis.error_reply('CSDAMAGED session') end
kept = string.format('%.0f', math.max(kept, tonumber(ARGV[2])))
if not known[2] then redis.call('HSET', KEYS[1], 'ended_at', ARGV[1]) end
redis.call('HSET', KEYS[1], 'kept_until', kept)
redis.call('PEXPIREAT', KEYS[1], kept)
return 1
