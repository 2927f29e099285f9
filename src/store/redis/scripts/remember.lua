-- Remembers that a session exists, merged with what is known of it: the earlier beginning and end, the longer life, and whoever
-- came first for the rest. It goes by itself when its life is over.
-- KEYS[1] the session; ARGV issuer, session_id, subject, client_id, began_at, ended_at or '', kept_until.

local known = redis.call('HMGET', KEYS[1], 'v', 'began_at', 'ended_at', 'kept_until')
if known[1] and known[1] ~= '1' then
  return redis.error_reply('CSVERSION session ' .. (string.match(known[1], '^%d%d?%d?$') or '0'))
end
local began, ended, kept = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if known[1] then
  local before = { tonumber(known[2]), tonumber(known[3]), tonumber(known[4]) }
  if not before[1] or not before[3] then return redis.error_reply('CSDAMAGED session') end
  began, kept = math.min(began, before[1]), math.max(kept, before[3])
  ended = (ended and before[2]) and math.min(ended, before[2]) or ended or before[2]
else
  redis.call('HSET', KEYS[1], 'v', '1', 'issuer', ARGV[1], 'session_id', ARGV[2], 'subject', ARGV[3], 'client_id', ARGV[4])
end
redis.call('HSET', KEYS[1], 'began_at', string.format('%.0f', began), 'kept_until', string.format('%.0f', kept))
if ended then redis.call('HSET', KEYS[1], 'ended_at', string.format('%.0f', ended)) end
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', kept))
return 1
