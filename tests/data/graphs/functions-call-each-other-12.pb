

xPlaceholder
(
startPartitionedCallx*
fR
f0’1
‰

f0
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
‰

f1
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
‰

f2
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
‰

f3
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
‰

f4
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
‰

f5
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
‰

f6
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
‰

f7
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
‰

f8
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
‰

f9
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
Š

f10
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11
Š

f11
x(
to_f0PartitionedCallx*
fR
f0(
to_f1PartitionedCallx*
fR
f1(
to_f2PartitionedCallx*
fR
f2(
to_f3PartitionedCallx*
fR
f3(
to_f4PartitionedCallx*
fR
f4(
to_f5PartitionedCallx*
fR
f5(
to_f6PartitionedCallx*
fR
f6(
to_f7PartitionedCallx*
fR
f7(
to_f8PartitionedCallx*
fR
f8(
to_f9PartitionedCallx*
fR
f9*
to_f10PartitionedCallx*
fR
f10*
to_f11PartitionedCallx*
fR
f11