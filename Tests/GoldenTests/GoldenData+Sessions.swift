/// Sessions of items.
extension GoldenData {
  /// Events of 40 sessions that lie among each other, out of order.
  static var sessionTable: String {
    var table = "session,item,time\n"
    for event in 0..<260 {
      let session = number(110_000 + event, below: 40)
      let item = number(111_000 + event, below: 1 + number(112_000 + event, below: 50))
      table += "s\(session),i\(item),\(1000 + number(113_000 + event, below: 300))\n"
    }
    return table
  }
}
