import Records

/// Numbers in a row: an array of this process, or a part of a file that all ranks of its host map.
///
/// It is made and changed as an array. A `HostArchive` writes it to a file, and what is read from
/// there holds nothing of its own.
@safe package struct HostArray<Element: BitwiseCopyable & Sendable>: Sendable {
  /// The numbers, unless they are mapped.
  private var own: [Element] = []
  /// Keeps what is mapped.
  private var owner: SharedBytes?
  @safe private nonisolated(unsafe) var mapped: UnsafeBufferPointer<Element>?

  package init() {}

  package init(_ numbers: [Element]) { own = numbers }

  /// Numbers of a file that is mapped.
  fileprivate init(_ owner: SharedBytes, _ mapped: UnsafeBufferPointer<Element>) {
    self.owner = owner
    unsafe self.mapped = mapped
  }

  package var count: Int { mapped?.count ?? own.count }
  package var isEmpty: Bool { count == 0 }
  package var indices: Range<Int> { 0..<count }

  /// Bytes of memory that they take, beyond a file that is mapped.
  var memoryBytes: Int { own.count * MemoryLayout<Element>.stride }

  /// Does not allocate.
  @inline(__always) package subscript(index: Int) -> Element {
    if let mapped {
      precondition(index >= 0 && index < mapped.count, "number \(index) of \(mapped.count)")
      return unsafe mapped[index]
    }
    return own[index]
  }

  /// All of them as an array, which may be changed; numbers that are mapped are copied first.
  package var array: [Element] {
    get { unsafe mapped.map { unsafe Array($0) } ?? own }
    _modify {
      if let mapped {
        own = unsafe Array(mapped)
        self.mapped = nil
        owner = nil
      }
      yield &own
    }
  }

  package mutating func append(_ number: Element) { array.append(number) }
  package mutating func reserveCapacity(_ count: Int) { array.reserveCapacity(count) }

  package static func += (left: inout HostArray, right: some Sequence<Element>) {
    left.array.append(contentsOf: right)
  }
}

extension HostArray: ExpressibleByArrayLiteral {
  package init(arrayLiteral numbers: Element...) { own = numbers }
}

extension HostArray: CustomReflectable {
  /// That of the numbers, whoever holds them.
  package var customMirror: Mirror { Mirror(reflecting: array) }
}

extension HostArray: Codable {
  /// Where the numbers stand in the file.
  private enum CodingKeys: String, CodingKey { case offset, count }

  package func encode(to encoder: any Encoder) throws {
    guard let writer = encoder.userInfo[HostArchive.key] as? HostArchive.Writer else {
      throw EncodingError.invalidValue(count, .outside(encoder.codingPath))
    }
    let offset =
      if let mapped {
        try unsafe writer.write(UnsafeRawBufferPointer(mapped))
      } else {
        try unsafe own.withUnsafeBytes { try unsafe writer.write($0) }
      }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(offset, forKey: .offset)
    try container.encode(count, forKey: .count)
  }

  package init(from decoder: any Decoder) throws {
    guard let file = decoder.userInfo[HostArchive.key] as? SharedBytes else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: ""))
    }
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let offset = try container.decode(Int.self, forKey: .offset)
    let count = try container.decode(Int.self, forKey: .count)
    let (length, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard offset >= 0, count >= 0, !overflow, offset % HostArchive.alignment == 0,
      unsafe length <= file.bytes.count - offset
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .offset, in: container, debugDescription: "is beyond the file")
    }
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + length])
    unsafe self.init(file, bytes.assumingMemoryBound(to: Element.self))
  }
}

extension EncodingError.Context {
  fileprivate static func outside(_ path: [any CodingKey]) -> Self {
    .init(codingPath: path, debugDescription: "only an archive holds numbers")
  }
}
