-- Requests for wrk: EVENTS in a request, of which IDENTIFY in a hundred are identify events.
-- PROTOCOL=segment sends the same as a batch of Segment's messages.
-- DELAY_MS is how long, on average, each connection pauses before a request.
-- Each thread has 5,000 sessions; event ids are new, session ids come again.
local events = tonumber(os.getenv("EVENTS") or "1")
local identify = tonumber(os.getenv("IDENTIFY") or "0")
local segment = os.getenv("PROTOCOL") == "segment"
local delay_ms = tonumber(os.getenv("DELAY_MS") or "0")
local threads = 0

if delay_ms > 0 then
  function delay()
    return math.random(0, 2 * delay_ms)
  end
end

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  math.randomseed(os.time() * 100 + number)
  salt = string.format("%08x%02x", math.random(0, 2 ^ 31 - 1), number)
  sent = 0
end

local EVENT = {
  '{"id":"', '","type":"page-view","time":"2026-11-23T14:05:06.000Z","properties":{"url":"https://shop.example/p/',
  '","title":"A page","referrer":""}}',
}
local MESSAGE = {
  '{"messageId":"', '","type":"track","event":"page-view","timestamp":"2026-11-23T14:05:06.000Z","anonymousId":"',
  '","context":{"library":{"name":"analytics-python","version":"2.4.0"}},"properties":{"url":"https://shop.example/p/',
  '","title":"A page","referrer":""}}',
}

local function identification(id, session)
  return string.format(
    '{"id":"%s","type":"identify","time":"2026-11-23T14:05:06.000Z","properties":{"email":"user%d@shop.test","traits":{"plan":"pro"}}}',
    id, session % 3000)
end

-- The load must be cheaper to write than to read: texts are joined once a request.
function request()
  local session = math.random(5000)
  local device = salt .. "-" .. session
  local id_end = "-" .. salt:sub(1, 4) .. "-7000-8000-" .. salt:sub(-6)
  local parts = {}
  local function add(...)
    for i = 1, select("#", ...) do parts[#parts + 1] = select(i, ...) end
  end
  for place = 1, events do
    sent = sent + 1
    local id = string.format("%08x", sent) .. id_end
    if place > 1 then parts[#parts + 1] = "," end
    if segment then
      add(MESSAGE[1], id, MESSAGE[2], device, MESSAGE[3], sent, MESSAGE[4])
    elseif sent % 100 < identify then
      add(identification(id, session))
    else
      add(EVENT[1], id, EVENT[2], sent, EVENT[3])
    end
  end
  local list = table.concat(parts)
  if segment then
    local batch = '{"writeKey":"demo","sentAt":"2026-11-23T14:05:06.789Z","batch":[' .. list .. "]}"
    return wrk.format("POST", "/v1/batch", {["content-type"] = "application/json"}, batch)
  end
  local body = '{"source":{"id":"demo"},"session":{"id":"' .. device
    .. '"},"sent_at":"2026-11-23T14:05:06.789Z","context":{"library":{"name":"onetrail-js","version":"0.1.0"}},"events":['
    .. list .. "]}"
  return wrk.format("POST", "/track", {["content-type"] = "text/plain"}, body)
end
