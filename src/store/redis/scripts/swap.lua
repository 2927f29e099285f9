-- Changes one field of a hash if it still is what the caller has read; '' stands for its absence. Without a declaration of what
-- it does, so that removing works when memory is full.
-- KEYS[1] the hash; ARGV[1] the field, ARGV[2] what it was, ARGV[3] what it becomes.

if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
