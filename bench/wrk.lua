-- Sends prepared requests in turns; counts answers that are not 2xx; prints one line of JSON.
-- wrk ... -- FILE: each request is its length in bytes, a newline, and the bytes.

local requests, sent = {}, 0
local threads = {}
refused, first_refusal = 0, 0 -- global: thread:get() in done() reads them

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local length = file:read("*n")
  while length do
    file:read(1)
    table.insert(requests, file:read(length))
    length = file:read("*n")
  end
  file:close()
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function response(status)
  if status < 200 or status > 299 then
    refused = refused + 1
    if first_refusal == 0 then first_refusal = status end
  end
end

function done(summary, latency)
  local errors, refusals, status = summary.errors, 0, 0
  for _, thread in ipairs(threads) do
    refusals = refusals + thread:get("refused")
    status = math.max(status, thread:get("first_refusal"))
  end
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"refused":%d,"status":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, refusals, status,
    errors.connect, errors.read, errors.write, errors.timeout))
end
