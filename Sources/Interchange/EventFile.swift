import Foundation
import NumericContract
import Records

/// A file of TensorBoard events: a series of protocol buffer messages (`tensorflow.Event`), each
/// framed as a TFRecord: its length in 8 bytes, their checksum, the message, and its checksum.
package final class EventFile {
  package let path: String
  private let file: OutputFile

  /// Makes a file in `directory`, which is made too.
  ///
  /// - Parameters:
  ///   - time: seconds since 1970.
  ///   - step: TensorBoard is to forget what earlier files say of this step and later ones.
  package init(
    directory: String, host: String, time: Double, purgingFrom step: Int? = nil
  ) throws(InterchangeError) {
    try? FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let place = host.isEmpty ? "localhost" : host
    path = "\(directory)/events.out.tfevents.\(Int(time)).\(place).\(getpid())"
    // A pipe must not wait for a reader.
    let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK
    let descriptor = unsafe open(path, flags, 0o644)
    guard descriptor >= 0 else { throw Self.failure(path, code: errno) }
    file = OutputFile(descriptor: descriptor, name: "'\(path)'")
    try append(time: time, step: nil) { $0.string(3, "brain.Event:2") }
    if let step {
      // A session log that says START.
      try append(time: time, step: step) { event in event.message(7) { $0.integer(1, 1) } }
    }
  }

  deinit { close(file.descriptor) }

  package func append(
    step: Int, time: Double, scalars: [(tag: String, value: Double)]
  ) throws(InterchangeError) {
    if scalars.isEmpty { return }
    try append(time: time, step: step) { event in
      event.message(5) { summary in
        for scalar in scalars {
          summary.message(1) { value in
            value.string(1, scalar.tag)
            value.float(2, Float(scalar.value))
          }
        }
      }
    }
  }

  package func append(
    step: Int, time: Double, text: String, tag: String
  ) throws(InterchangeError) {
    try append(time: time, step: step) { event in
      event.message(5) { summary in
        summary.message(1) { value in
          value.string(1, tag)
          value.message(8) { tensor in
            // A tensor of one string: type DT_STRING, shape [1].
            tensor.integer(1, 7)
            tensor.message(2) { shape in shape.message(2) { $0.integer(1, 1) } }
            tensor.string(8, text)
          }
          value.message(9) { metadata in metadata.message(1) { $0.string(1, "text") } }
        }
      }
    }
  }

  private func append(
    time: Double, step: Int?, _ build: (inout ProtobufWriter) -> Void
  ) throws(InterchangeError) {
    var event = ProtobufWriter()
    event.double(1, time)
    if let step { event.integer(2, step) }
    build(&event)
    let end = lseek(file.descriptor, 0, SEEK_END)
    do { try file.write(Self.framed(event.bytes)) } catch {
      // A reader stops at half an event.
      if end >= 0 { ftruncate(file.descriptor, end) }
      throw Self.failure(path, code: error.code)
    }
  }

  /// A message as a TFRecord.
  static func framed(_ message: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(message.count), count: 8)
    return length + littleEndian(UInt64(CRC32C.masked(length)), count: 4) + message
      + littleEndian(UInt64(CRC32C.masked(message)), count: 4)
  }

  private static func littleEndian(_ value: UInt64, count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }

  private static func failure(_ path: String, code: Int32) -> InterchangeError {
    InterchangeError("\(path): cannot write: \(SystemError.reason(code))")
  }
}
