import Foundation
import Testing

@testable import Interchange

@Suite struct EventFileTests {
  /// Vectors of RFC 3720, appendix B.4.
  @Test func checksums() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([]) == 0)
    #expect(CRC32C.masked([]) == 0xA282_EAD8)
  }

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
