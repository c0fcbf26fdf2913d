/// A form of file that is neither text nor a table, known by its first bytes, as the formats'
/// specifications give them.
package enum FileSignature: String, CaseIterable, Sendable {
  case gzip, zip, tar, xz, bzip2, zstd, pdf, elf, utf16, utf32, parquet, arrow, hdf5, numpy

  /// Nil for what may be text.
  package init?(_ bytes: some Collection<UInt8>) {
    let start = Array(bytes.prefix(Self.length))
    let head = Array(start.prefix(32))
    let found = Self.firstBytes.first { head.starts(with: $0.bytes) }?.format
    if let found {
      self = found
    } else if Self.isBzip2(head) {
      self = .bzip2
    } else if start.count > 262, start[257..<262].elementsEqual("ustar".utf8) {
      self = .tar
    } else if Self.isWideASCII(head) {
      self = .utf16
    } else {
      return nil
    }
  }

  /// How many of the first bytes are looked at.
  package static let length = 512

  /// UTF-32's mark begins with UTF-16's.
  private static let firstBytes: [(format: FileSignature, bytes: [UInt8])] = [
    (.gzip, [0x1F, 0x8B]), (.zip, [0x50, 0x4B, 0x03, 0x04]), (.zip, [0x50, 0x4B, 0x05, 0x06]),
    (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]),
    (.zstd, [0x28, 0xB5, 0x2F, 0xFD]), (.pdf, Array("%PDF-".utf8)),
    (.elf, [0x7F] + Array("ELF".utf8)), (.utf32, [0xFF, 0xFE, 0, 0]),
    (.utf32, [0, 0, 0xFE, 0xFF]), (.utf16, [0xFF, 0xFE]), (.utf16, [0xFE, 0xFF]),
    (.parquet, Array("PAR1".utf8)), (.arrow, Array("ARROW1".utf8)),
    (.hdf5, [0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A]),
    (.numpy, [0x93] + Array("NUMPY".utf8)),
  ]

  /// Letters, the size of blocks, and the first digits of pi, with which each block begins.
  private static func isBzip2(_ head: [UInt8]) -> Bool {
    head.count > 9 && head.starts(with: Array("BZh".utf8))
      && head[4..<10].elementsEqual([0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
  }

  /// UTF-16 without a mark: 16 printable characters of ASCII, each beside a zero.
  private static func isWideASCII(_ head: [UInt8]) -> Bool {
    guard head.count == 32 else { return false }
    return [0, 1].contains { parity in
      (0..<16).allSatisfy { pair in
        let letter = head[2 * pair + parity]
        return head[2 * pair + 1 - parity] == 0
          && (0x20..<0x7F ~= letter || 0x09...0x0D ~= letter)
      }
    }
  }

  /// What the file is.
  package var name: String {
    switch self {
    case .gzip: "compressed by gzip"
    case .zip: "a zip archive, or a document or table of an office program"
    case .tar: "an archive of tar"
    case .xz: "compressed by xz"
    case .bzip2: "compressed by bzip2"
    case .zstd: "compressed by zstd"
    case .pdf: "a PDF document"
    case .elf: "a program or a library (ELF)"
    case .utf16: "text in UTF-16"
    case .utf32: "text in UTF-32"
    case .parquet: "a Parquet table"
    case .arrow: "an Arrow or Feather table"
    case .hdf5: "an HDF5 file"
    case .numpy: "an array of NumPy"
    }
  }

  /// How to make something of it that can be read.
  package func remedy(path: String) -> String {
    let quoted = "'" + path.replacing("'", with: "'\\''") + "'"
    let result = "'" + Self.result(of: path).replacing("'", with: "'\\''") + "'"
    func table(_ reader: String) -> String {
      let csv = "'" + path.replacing("'", with: "'\\''") + ".csv'"
      return "convert it: python3 -c 'import sys, pandas; pandas.\(reader)(sys.argv[1])"
        + ".to_csv(sys.argv[2], index=False)' \(quoted) \(csv)"
    }
    let name = path.lowercased()
    return switch self {
    case .gzip: "unpack it: gzip -dc \(quoted) > \(result)"
    case .zip where name.hasSuffix(".xlsx") || name.hasSuffix(".ods"): table("read_excel")
    case .zip: "unpack it (unzip \(quoted)), or save the table as CSV"
    case .tar: "unpack it: tar -xf \(quoted)"
    case .xz: "unpack it: xz -dc \(quoted) > \(result)"
    case .bzip2: "unpack it: bzip2 -dc \(quoted) > \(result)"
    case .zstd: "unpack it: zstd -dc \(quoted) > \(result)"
    case .pdf: "take the text out of it: pdftotext \(quoted) \(result)"
    case .elf: "name a text or a table"
    case .utf16: "convert it: iconv -f UTF-16 -t UTF-8 \(quoted) > \(result)"
    case .utf32: "convert it: iconv -f UTF-32 -t UTF-8 \(quoted) > \(result)"
    case .parquet: table("read_parquet")
    case .arrow: table("read_feather")
    case .hdf5: table("read_hdf")
    case .numpy: "as data of a task it is read by a name that ends in .npy"
    }
  }

  /// A name for what becomes of a file, whose end tells the format as that of the file does.
  private static func result(of path: String) -> String {
    let name = path.lowercased()
    let packed = [".gz", ".xz", ".bz2", ".zst"].first { name.hasSuffix($0) }
    if let packed { return String(path.dropLast(packed.count)) }
    let known = [".csv", ".tsv", ".jsonl", ".ndjson", ".ts", ".conll", ".conllu"]
    guard let ending = known.first(where: { name.hasSuffix($0) }) else { return path + ".txt" }
    return path.dropLast(ending.count) + ".utf8" + path.suffix(ending.count)
  }
}
