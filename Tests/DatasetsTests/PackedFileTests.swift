import Foundation
import Tasks
import Testing

@testable import Datasets
@testable import Tables

/// Files that are no plain text: packed ones and arrays are read, others are named.
@Suite struct PackedFileTests {
  private static func array(
    _ type: String, _ shape: String, _ numbers: [UInt8], order: String = "False", version: UInt8 = 1
  ) -> [UInt8] {
    let text = "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }\n"
    let size = UInt8(text.utf8.count)
    let length: [UInt8] = version == 1 ? [size, 0] : [size, 0, 0, 0]
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(text.utf8) + numbers
  }

  private func read(_ name: String, _ bytes: [UInt8]) throws -> SequenceTable {
    let file = try DataFolder(name, bytes)
    return try DataFile(path: file.path).sequences(file.request(.forecasting))
  }

  private func complaint(_ name: String, _ bytes: [UInt8]) -> String {
    do { return "nothing: \(try read(name, bytes).values)" } catch { return "\(error)" }
  }

  @Test func packedTablesAreReadByTheNameBeforeGz() throws {
    let packed = try #require(
      Data(base64Encoded: "H4sIAAAAAAACA6vQqeQy1DPVMeIy1jHhAgC4NwP5DgAAAA=="))
    for name in ["a.csv.gz", "a.CSV.GZ", "a.csv"] {
      #expect(try read(name, Array(packed)).values == [1.5, 2, 3, 4])
    }
    let plain = Array("x,y\n1.5,2\n3,4\n".utf8)
    let folders = try [DataFolder("a.csv", plain), DataFolder("a.csv.gz", Array(packed))]
    let prints = try folders.map { folder in
      let file = try DataFile(path: folder.path)
      _ = try file.sequences(folder.request(.forecasting))
      return file.fingerprint
    }
    // What tells data from others is what is in them.
    #expect(prints[0] == prints[1])
    #expect(complaint("a.csv", Array(packed.dropLast(9))).contains("is it cut off?"))
  }

  @Test func arraysAreReadInEveryTypeOfNumber() throws {
    func bytes<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes(Array.init) }
    let floats: [Float] = [1.5, -2, 3, 0.25, 5, 6, 7, 8]
    let expected = floats.map(Double.init)
    for version: UInt8 in [1, 2, 3] {
      let table = try read("a.npy", Self.array("<f4", "(2, 2, 2)", bytes(floats), version: version))
      #expect(table.values == expected)
      #expect(table.starts == [0, 2, 4])
      #expect(table.columns == ["value 1", "value 2"])
    }
    let doubles = bytes(expected.map { $0.bitPattern.bigEndian })
    #expect(try read("a.npy", Self.array(">f8", "(1, 8, 1)", doubles)).values == expected)
    let halves = bytes([0x3E00, 0xC000, 0x0001, 0x7BFF] as [UInt16])
    #expect(
      try read("a.npy", Self.array("<f2", "(4, 1, 1)", halves)).values
        == [1.5, -2, 0x1p-24, 65504])
    #expect(
      try read("a.npy", Self.array("<i2", "(1,1,3)", bytes([-1, 2, -300] as [Int16]))).values
        == [-1, 2, -300])
    #expect(try read("a.npy", Self.array("|u1", "(3,1,1)", [0, 7, 255])).values == [0, 7, 255])
    #expect(try read("a.npy", Self.array("|b1", "(2,1,1)", [0, 1])).values == [0, 1])
    let many = (0..<300_000).map { Float($0) }
    #expect(
      try read("a.npy", Self.array("<f4", "(3, 50000, 2)", bytes(many))).values
        == many.map(Double.init))
  }

  @Test(arguments: [
    ("<f4", "(2, 2)", 16, "False", "expected three"), ("<f4", "(1, 2, 2)", 12, "False", "cut off"),
    ("<f4", "(1, 2, 2)", 20, "False", "more bytes follow"),
    ("<c8", "(1, 1, 1)", 8, "False", "type"),
    ("<f4", "(1, 1, 1)", 4, "True", "Fortran"), ("<f4", "(0, 1, 1)", 0, "False", "above 0"),
    ("<f4", "(4611686018427387904, 4, 4)", 0, "False", "dimensions"),
    ("<f4", "(99999999999999999999, 4, 4)", 0, "False", "expected three"),
  ])
  func arraysThatCannotBeReadAreNamed(
    type: String, shape: String, count: Int, order: String, expected: String
  ) {
    let bytes = Self.array(type, shape, [UInt8](repeating: 0, count: count), order: order)
    let words = complaint("a.npy", bytes)
    #expect(words.contains(expected), "\(words)")
  }

  @Test func damagedArraysEndInATableOrAnError() {
    var random = SeededNumbers(seed: 81)
    let sound = Self.array("<f4", "(2, 2, 2)", [UInt8](repeating: 1, count: 32))
    for _ in 0..<2000 {
      var bytes = sound
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 8..<bytes.count, using: &random)
        bytes[place] = UInt8.random(in: 0 ... .max, using: &random)
      }
      bytes.removeLast(Int.random(in: 0...40, using: &random))
      _ = complaint("a.npy", bytes)
    }
  }

  @Test(arguments: [
    ("a.csv", Array("PAR1".utf8), "a Parquet table", "pandas.read_parquet(sys.argv[1])"),
    ("a.parquet", Array("PAR1".utf8), "a Parquet table", "to_csv(sys.argv[2], index=False)"),
    ("a.csv", Array("ARROW1".utf8), "an Arrow or Feather table", "read_feather"),
    ("a.xlsx", [0x50, 0x4B, 3, 4], "an office program", "read_excel"),
    ("a.csv", [0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A], "an HDF5 file", "read_hdf"),
    ("a.csv", [0xFF, 0xFE, 0x41, 0], "UTF-16", "iconv -f UTF-16"),
    ("a.csv", [0x93] + Array("NUMPY".utf8), "an array of NumPy", ".npy"),
    ("a.npy", Array("x,y\n1,2\n".utf8), "is text, expected an array of NumPy", ""),
    ("a.csv.gz", [0x1F, 0x8B, 9, 0, 0, 0, 0, 0, 0, 0, 0], "damaged", "cannot be read"),
  ])
  func otherFilesAreNamedWithTheCommandThatHelps(
    name: String, bytes: [UInt8], kind: String, command: String
  ) {
    let words = complaint(name, bytes)
    #expect(words.contains(kind), "\(words)")
    #expect(command.isEmpty || words.contains(command), "\(words)")
  }
}
