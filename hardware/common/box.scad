// A box with a lid that snaps on, its vents and holes. Millimeters; printed without supports.
// Everything is drawn with the inside's corner at the origin, so that parts are placed by their own size.

wall = 2;
clearance = 0.25; // between lid and box; more for printers that print fat
lip = 4;          // how deep the lid's rim goes
$fn = 48;

module rounded(size, r) {
  linear_extrude(size[2])
    translate([r, r]) offset(r) square([size[0] - 2 * r, size[1] - 2 * r]);
}

// The open box around an inside of this size.
module box(inside) {
  difference() {
    translate([-wall, -wall, -wall]) rounded([inside[0] + 2 * wall, inside[1] + 2 * wall, inside[2] + wall], 3);
    translate([0, 0, 0]) rounded([inside[0], inside[1], inside[2] + 1], 1.2);
  }
}

// Its lid, lying on its back: ready to print.
module lid(inside) {
  union() {
    translate([-wall, -wall, -wall]) rounded([inside[0] + 2 * wall, inside[1] + 2 * wall, wall], 3);
    difference() {
      translate([clearance, clearance, -0.01]) rounded([inside[0] - 2 * clearance, inside[1] - 2 * clearance, lip], 1.2);
      translate([clearance + 1.4, clearance + 1.4, -0.02])
        rounded([inside[0] - 2 * clearance - 2.8, inside[1] - 2 * clearance - 2.8, lip + 1], 0.8);
    }
    // Two beads that press against the box's walls.
    for (x = [clearance, inside[0] - clearance])
      translate([x, inside[1] / 2 - 5, lip / 2]) rotate([-90, 0, 0]) cylinder(r = 0.45, h = 10, $fn = 16);
  }
}

// Slots to cut: a row along x, standing in the xz plane, through a wall at y.
module slots(width, height, pitch = 5, slot = 2, depth = 3 * wall) {
  count = max(1, floor(width / pitch));
  for (i = [0 : count - 1])
    translate([i * pitch + (width - (count - 1) * pitch - slot) / 2, -depth / 2, 0]) cube([slot, depth, height]);
}

// A slot for USB-C to cut, in the wall at x = 0 or beyond.
module usb_c(y, z) {
  translate([-2 * wall, y - 5, z - 2]) hull()
    for (dy = [2, 8], dz = [2]) translate([0, dy, dz]) rotate([0, 90, 0]) cylinder(r = 2, h = 4 * wall);
}

// A keyhole to cut into the floor, to hang the box on a screw.
module keyhole(x, y) {
  translate([x, y, -2 * wall]) {
    cylinder(d = 8, h = 4 * wall);
    hull() {
      cylinder(d = 4, h = 4 * wall);
      translate([0, 8, 0]) cylinder(d = 4, h = 4 * wall);
    }
  }
}

// Rails that hold the XIAO (21 x 17.8 mm), USB towards x = 0.
module xiao_rails(y) {
  for (dy = [-1.6, 17.9]) translate([0.5, y + dy, -0.5]) cube([20.5, 1.5, 5.5]);
  translate([21.6, y, -0.5]) cube([1.5, 18, 5.5]);
}
