<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>Wording</name>
    <message numerus="yes">
        <source>{n} tokens reused</source>
        <translation>
            <numerusform>{n} token reused</numerusform>
            <numerusform>{n} tokens reused</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>{n} answers in the last minute</source>
        <translation>
            <numerusform>{n} answer in the last minute</numerusform>
            <numerusform>{n} answers in the last minute</numerusform>
        </translation>
    </message>
</context>
</TS>
