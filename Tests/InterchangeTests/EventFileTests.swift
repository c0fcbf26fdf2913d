import Foundation
import Testing

@testable import Interchange

@Suite struct EventFileTests {
  @Test func recordsAreFramed() throws {
    let directory = NSTemporaryDirectory() + "events-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let file = try EventFile(directory: directory, host: "host", time: 1000.5, purgingFrom: 21)
    try file.append(step: 21, time: 1001, scalars: [("train/loss", 1.5), ("train/rate", 0.25)])
    try file.append(step: 22, time: 1002, text: "a text", tag: "sample")
    try file.append(step: 23, time: 1003, scalars: [])
    #expect(file.path.contains("events.out.tfevents.1000.host."))

    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file.path)))[...]
    var events: [[UInt8]] = []
    while !bytes.isEmpty {
      let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let event = Array(bytes.dropFirst(12).prefix(length))
      #expect(Array(bytes.prefix(length + 16)) == EventFile.framed(event))
      events.append(event)
      bytes = bytes.dropFirst(length + 16)
    }
    #expect(events.count == 4)
    #expect(events[0].suffix(15) == [0x1A, 13] + Array("brain.Event:2".utf8))
    // Step 21, and a session log of status 1.
    #expect(events[1].suffix(6) == [0x10, 21, 0x3A, 2, 0x08, 1])
    let value: [UInt8] = [0x0A, 10] + Array("train/loss".utf8) + [0x15, 0, 0, 0xC0, 0x3F]
    #expect(events[2].contains(value))
    #expect(events[3].contains(Array("a text".utf8)))
  }
}
