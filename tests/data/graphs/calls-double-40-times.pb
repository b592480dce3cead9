

xPlaceholder
(
startPartitionedCallx*
fR
f0²
Y

f0
x$
aPartitionedCallx*
fR
f1$
bPartitionedCallx*
fR
f1
Y

f1
x$
aPartitionedCallx*
fR
f2$
bPartitionedCallx*
fR
f2
Y

f2
x$
aPartitionedCallx*
fR
f3$
bPartitionedCallx*
fR
f3
Y

f3
x$
aPartitionedCallx*
fR
f4$
bPartitionedCallx*
fR
f4
Y

f4
x$
aPartitionedCallx*
fR
f5$
bPartitionedCallx*
fR
f5
Y

f5
x$
aPartitionedCallx*
fR
f6$
bPartitionedCallx*
fR
f6
Y

f6
x$
aPartitionedCallx*
fR
f7$
bPartitionedCallx*
fR
f7
Y

f7
x$
aPartitionedCallx*
fR
f8$
bPartitionedCallx*
fR
f8
Y

f8
x$
aPartitionedCallx*
fR
f9$
bPartitionedCallx*
fR
f9
[

f9
x%
aPartitionedCallx*
fR
f10%
bPartitionedCallx*
fR
f10
\

f10
x%
aPartitionedCallx*
fR
f11%
bPartitionedCallx*
fR
f11
\

f11
x%
aPartitionedCallx*
fR
f12%
bPartitionedCallx*
fR
f12
\

f12
x%
aPartitionedCallx*
fR
f13%
bPartitionedCallx*
fR
f13
\

f13
x%
aPartitionedCallx*
fR
f14%
bPartitionedCallx*
fR
f14
\

f14
x%
aPartitionedCallx*
fR
f15%
bPartitionedCallx*
fR
f15
\

f15
x%
aPartitionedCallx*
fR
f16%
bPartitionedCallx*
fR
f16
\

f16
x%
aPartitionedCallx*
fR
f17%
bPartitionedCallx*
fR
f17
\

f17
x%
aPartitionedCallx*
fR
f18%
bPartitionedCallx*
fR
f18
\

f18
x%
aPartitionedCallx*
fR
f19%
bPartitionedCallx*
fR
f19
\

f19
x%
aPartitionedCallx*
fR
f20%
bPartitionedCallx*
fR
f20
\

f20
x%
aPartitionedCallx*
fR
f21%
bPartitionedCallx*
fR
f21
\

f21
x%
aPartitionedCallx*
fR
f22%
bPartitionedCallx*
fR
f22
\

f22
x%
aPartitionedCallx*
fR
f23%
bPartitionedCallx*
fR
f23
\

f23
x%
aPartitionedCallx*
fR
f24%
bPartitionedCallx*
fR
f24
\

f24
x%
aPartitionedCallx*
fR
f25%
bPartitionedCallx*
fR
f25
\

f25
x%
aPartitionedCallx*
fR
f26%
bPartitionedCallx*
fR
f26
\

f26
x%
aPartitionedCallx*
fR
f27%
bPartitionedCallx*
fR
f27
\

f27
x%
aPartitionedCallx*
fR
f28%
bPartitionedCallx*
fR
f28
\

f28
x%
aPartitionedCallx*
fR
f29%
bPartitionedCallx*
fR
f29
\

f29
x%
aPartitionedCallx*
fR
f30%
bPartitionedCallx*
fR
f30
\

f30
x%
aPartitionedCallx*
fR
f31%
bPartitionedCallx*
fR
f31
\

f31
x%
aPartitionedCallx*
fR
f32%
bPartitionedCallx*
fR
f32
\

f32
x%
aPartitionedCallx*
fR
f33%
bPartitionedCallx*
fR
f33
\

f33
x%
aPartitionedCallx*
fR
f34%
bPartitionedCallx*
fR
f34
\

f34
x%
aPartitionedCallx*
fR
f35%
bPartitionedCallx*
fR
f35
\

f35
x%
aPartitionedCallx*
fR
f36%
bPartitionedCallx*
fR
f36
\

f36
x%
aPartitionedCallx*
fR
f37%
bPartitionedCallx*
fR
f37
\

f37
x%
aPartitionedCallx*
fR
f38%
bPartitionedCallx*
fR
f38
\

f38
x%
aPartitionedCallx*
fR
f39%
bPartitionedCallx*
fR
f39
\

f39
x%
aPartitionedCallx*
fR
f40%
bPartitionedCallx*
fR
f40


f40
x
yRelux